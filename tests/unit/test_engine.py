"""The engine: strict typing, missing-data codes, masks of many rules, scopes, holds that spread."""

import datetime
import shutil
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from judging import Outcome, judge, orchard, rows_of

from expectations import engine
from expectations.spec import Row, Standard, load_standard

NOTICE = "package_notice"
NOT_TYPED = {  # what is filed -> the field, and what the platform may suggest
    "1E+05": ("principal_cny", "100000"),
    "1,234.56": ("principal_cny", "1234.56"),
    "1,23.45": ("principal_cny", None),
    "1,234.567": ("principal_cny", None),  # without its comma still a place too many
    "1.239": ("principal_cny", None),
    "１２３４．５６": ("principal_cny", "1234.56"),
    "6637万": ("principal_cny", "66370000"),
    "¥5": ("principal_cny", None),
    "+5": ("principal_cny", None),
    ".5": ("principal_cny", None),
    "5.": ("principal_cny", None),
    "0x10": ("principal_cny", None),
    "NaN": ("principal_cny", None),
    "9" * 30: ("principal_cny", None),
    "9" * 20_000: ("principal_cny", None),
    "12.0": ("loan_count", "12"),
    "1,200": ("loan_count", "1200"),
    "１２": ("loan_count", "12"),
    "9" * 19: ("loan_count", None),
    "-" + "9" * 20_000: ("loan_count", None),
    "2026-02-30": ("cutoff_date", None),
    "20260230": ("cutoff_date", None),
    "2026/03/01": ("cutoff_date", "2026-03-01"),
    "2026年3月1日": ("cutoff_date", "2026-03-01"),
    "2026/02/30": ("cutoff_date", None),
    "2026-3-1": ("cutoff_date", "2026-03-01"),
    "2026-03": ("cutoff_date", None),
    "-026-03-01": ("cutoff_date", None),
    "01/03/2026": ("cutoff_date", None),
    "46082": ("cutoff_date", "2026-03-01"),
    "2026-03-24 25:00:00": ("registration_deadline_at", None),
    "2026-03-24 17:00:00Z": ("registration_deadline_at", None),
    "2026-03-24 17:00:00+08": ("registration_deadline_at", None),
    "对": ("is_yindeng_settled", None),
}
TYPED: list[tuple[str, str, Any]] = [
    ("cutoff_date", "20260301", datetime.date(2026, 3, 1)),
    ("cutoff_date", "2026-03-01", datetime.date(2026, 3, 1)),
    ("registration_deadline_at", "2026-03-24 17:00:00", datetime.datetime(2026, 3, 24, 17)),
    ("registration_deadline_at", "2026-03-24T17:00:00", datetime.datetime(2026, 3, 24, 17)),
    ("registration_deadline_at", "2026-03-24 17:00", datetime.datetime(2026, 3, 24, 17)),
    ("principal_cny", "0001234.5", Decimal("1234.50")),
    ("principal_cny", "-0.01", Decimal("-0.01")),
    ("principal_cny", "9" * 16 + ".99", Decimal("9" * 16 + ".99")),
    ("loan_count", "007", 7),
    ("project_code", "007", "007"),
    ("remarks", "  007 ", "  007 "),
    ("seller_uscc", "0012", "0012"),
    ("notice_type", "ZR", "ZR"),
    ("notice_type", "转让公告", "ZR"),
    ("asset_type", "个人消费贷款", "XF"),
    ("is_yindeng_settled", "是", True),
    ("is_yindeng_settled", "Y", True),
    ("is_yindeng_settled", "否", False),
    ("is_yindeng_settled", "0", False),
    ("overdue_definition", "ND2", None),
    ("weighted_overdue_days", "ND4-2026-12-31", None),
    ("start_price_cny", "HIDDEN", None),
    ("principal_cny", "ND2", None),
    ("announced_date_precision", "", "day"),
    ("is_relisted", "", False),
    ("source_kind", "", "institution"),
    ("precision", "", "exact"),
]


@pytest.fixture(scope="module")
def schema_rules() -> Standard:
    """The real standard with its rules of all tables only: they are what typing is about."""
    standard = load_standard()
    return standard.with_rules(rule for rule in standard.rules.values() if rule.id.startswith("NPL-SCH"))


def typed_notices(standard: Standard, *changes: Mapping[str, str | None]) -> Outcome:
    return judge(standard, {NOTICE: rows_of(standard, NOTICE, *changes)})


@pytest.fixture(scope="module")
def not_typed(schema_rules: Standard) -> Outcome:
    return typed_notices(schema_rules, *({field: text} for text, (field, _) in NOT_TYPED.items()))


@pytest.mark.parametrize("text", NOT_TYPED, ids=lambda text: text[:24])
def test_a_value_that_is_not_of_the_type_is_a_finding_with_the_value_as_filed(not_typed: Outcome, text: str) -> None:
    field, suggestion = NOT_TYPED[text]
    row = list(NOT_TYPED).index(text) + 2
    (finding,) = [finding for finding in not_typed.findings if finding.row == row]
    assert (finding.rule_id, finding.fields, finding.values) == ("NPL-SCH-001", [field], {field: text})
    assert finding.suggestion == suggestion
    assert not_typed.typed[NOTICE][row - 2][field] is None


@pytest.fixture(scope="module")
def typed(schema_rules: Standard) -> Outcome:
    return typed_notices(schema_rules, *({field: text} for field, text, _ in TYPED))


@pytest.mark.parametrize("number", range(len(TYPED)), ids=[f"{field}={text[:24]}" for field, text, _ in TYPED])
def test_a_value_of_the_type_is_kept_as_it_means(typed: Outcome, number: int) -> None:
    field, text, value = TYPED[number]
    row = typed.typed[NOTICE][number]
    assert row["row_number"] == number + 2
    assert row[field] == value
    assert type(row[field]) is type(value)
    refused = {"NPL-SCH-004"} if (field, text) == ("principal_cny", "ND2") else set()
    assert typed.rules_by_row(NOTICE).get(number + 2, set()) == refused


def test_a_suggested_value_is_accepted_in_its_turn(schema_rules: Standard) -> None:
    suggested = [(field, better) for field, better in NOT_TYPED.values() if better]
    assert len(suggested) >= 4
    outcome = typed_notices(schema_rules, *({field: better} for field, better in suggested))
    assert outcome.findings == []


def test_a_missing_data_code_where_it_is_not_allowed_is_one_finding_of_its_own_rule(schema_rules: Standard) -> None:
    outcome = typed_notices(
        schema_rules,
        {"loan_count": "ND2"},
        {"notice_type": "ND1"},
        {"cutoff_date": "HIDDEN"},
        {"project_code": "ND5"},
        {"weighted_overdue_days": "ND1"},
    )
    assert [(finding.rule_id, finding.fields) for finding in outcome.findings] == [
        ("NPL-SCH-004", [field])
        for field in ("loan_count", "notice_type", "cutoff_date", "project_code", "weighted_overdue_days")
    ]


def test_the_date_of_a_row_decides_whether_the_template_hides_a_field(schema_rules: Standard) -> None:
    before, after = "2025-10-26", "2025-10-27"
    outcome = typed_notices(
        schema_rules,
        *(
            {"start_price_cny": price, "announced_date": day}
            for price, day in (("52.00", before), ("52.00", after), ("HIDDEN", before), ("", before), ("", after))
        ),
    )
    broken = outcome.rules_by_row(NOTICE)
    assert [broken.get(row, set()) for row in range(2, 7)] == [set(), {"NPL-SCH-007"}, set(), {"NPL-SCH-003"}, set()]
    assert [row["standard_version"] for row in outcome.typed[NOTICE]] == ["1.0", "2.0", "1.0", "1.0", "2.0"]


def test_a_row_without_its_date_is_judged_by_the_end_of_the_period(schema_rules: Standard) -> None:
    rows = {NOTICE: rows_of(schema_rules, NOTICE, {"announced_date": ""})}
    for last_day, version in (("2025-09-30", "1.0"), ("2025-10-31", "2.0")):
        outcome = judge(schema_rules, rows, context={"filing_period_end": last_day})
        assert outcome.typed[NOTICE][0]["standard_version"] == version


def test_headers_that_look_like_sql_or_like_columns_of_ours_are_only_headers(schema_rules: Standard) -> None:
    strange = [
        'a"b',
        "x' or 1=1 --",
        "standard_version",
        "mask_0",
        "personal_cells",
        "notice_id__text",
        "notice_id__missing",
        "filing_subject",
        "列",
    ]
    outcome = typed_notices(schema_rules, dict.fromkeys(strange, "13800000000"))
    assert {finding.fields[0] for finding in outcome.of("NPL-SCH-005")} == set(strange)
    assert {finding.values[finding.fields[0]] for finding in outcome.findings} == {"***"}


def test_a_decimal_without_places_takes_whole_numbers_only() -> None:
    standard = orchard()
    outcome = judge(
        standard,
        {
            "tree": rows_of(
                standard, "tree", {"tree_id": "A", "height_cm": "150"}, {"tree_id": "B", "height_cm": "150.0"}
            )
        },
    )
    assert outcome.counts == {("ORC-SCH-001", "height_cm"): 1}
    assert [row["height_cm"] for row in outcome.typed["tree"]] == [Decimal(150), None]


RULES_OF_MANY = 130


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Standard:
    """A standard of 130 rules, more than two words of bits; rule n is broken by a row whose flags hold `;n;`."""
    directory = tmp_path_factory.mktemp("many")
    (directory / "tables").mkdir()
    (directory / "rules").mkdir()
    (directory / "standard.yml").write_text(
        """
name: many
title: {zh: 许多规则, en: Many rules}
id_prefix: MNY
versions: [{version: "1.0", valid_from: 2021-01-01, valid_to: null, title: {zh: 一, en: One}}]
hold_ceiling: 0.5
missing_codes: {}
context: {}
references: {}
""",
        encoding="utf-8",
    )
    (directory / "tables" / "thing.yml").write_text(
        """
table: thing
title: {zh: 物, en: Thing}
grain: {zh: 每物一行。, en: One row a thing.}
abbreviation: THG
key: [thing_id]
fields:
  - {name: thing_id, zh: 物号, en: Thing id, type: text}
  - {name: flags, zh: 标记, en: Flags, type: text}
""",
        encoding="utf-8",
    )
    for number in range(1, RULES_OF_MANY + 1):
        (directory / "rules" / f"MNY-THG-{number:03}.yml").write_text(
            f"""
id: MNY-THG-{number:03}
table: thing
severity: {"hold" if number % 2 else "warn"}
category: logical
since: "1.0"
state: active
scope: row
fields: [flags]
check: not contains(flags, ';{number};')
message: {{zh: "{number} 号", en: "number {number}"}}
remedy: {{zh: 请改正。, en: Mend it.}}
source: test rule
good: {{flags: ";"}}
bad: {{flags: ";{number};"}}
""",
            encoding="utf-8",
        )
    return load_standard(directory)


def flagged(numbers: list[int]) -> Row:
    return {"thing_id": "T", "flags": ";" + "".join(f"{number};" for number in numbers)}


def test_each_of_130_rules_fires_alone_and_only_it(many: Standard) -> None:
    rows = [flagged([number]) for number in range(1, RULES_OF_MANY + 1)]
    outcome = judge(many, {"thing": [*rows, flagged([])]})
    assert outcome.rules_by_row("thing") == {
        number + 1: {f"MNY-THG-{number:03}"} for number in range(1, RULES_OF_MANY + 1)
    }
    assert outcome.held["thing"] == {number + 1 for number in range(1, RULES_OF_MANY + 1) if number % 2}


def test_a_row_that_breaks_many_rules_has_a_finding_of_each(many: Standard) -> None:
    numbers = [1, 2, 62, 63, 64, 65, 126, 127, 130]
    outcome = judge(many, {"thing": [flagged([]), flagged(numbers), flagged(list(range(1, RULES_OF_MANY + 1)))]})
    broken = outcome.rules_by_row("thing")
    assert broken[3] == {f"MNY-THG-{number:03}" for number in numbers}
    assert len(broken[4]) == RULES_OF_MANY
    assert 2 not in broken


def test_what_is_null_is_not_judged(many: Standard) -> None:
    outcome = judge(many, {"thing": [{"thing_id": "T", "flags": None}, flagged([1])]})
    assert outcome.rules_by_row("thing") == {3: {"MNY-THG-001"}}


def test_a_table_of_no_rows_is_judged_and_clean(many: Standard) -> None:
    outcome = judge(many, {"thing": []})
    assert (outcome.verdict, outcome.counts) == ("accepted", {})


def test_a_rule_of_the_whole_table_finds_every_row_that_takes_part() -> None:
    standard = orchard()
    outcome = judge(standard, {"tree": rows_of(standard, "tree", {"tree_id": "A"}, {"tree_id": "B"}, {"tree_id": "A"})})
    assert [(finding.rule_id, finding.row) for finding in outcome.findings] == [("ORC-TRE-004", 2), ("ORC-TRE-004", 4)]


def test_a_rule_across_filings_sees_what_was_accepted_earlier() -> None:
    standard = orchard()
    outcome = judge(
        standard,
        {"tree": rows_of(standard, "tree", {"tree_id": "A"}, {"tree_id": "B"})},
        accepted={"tree": [{"filing_id": "EARLIER-1", "row_number": 2, "tree_id": "B"}]},
    )
    (finding,) = outcome.findings
    assert (finding.rule_id, finding.row, finding.values["earlier"]) == ("ORC-TRE-005", 3, "EARLIER-1")


def chain(standard: Standard) -> dict[str, list[Row]]:
    """Five orchards, trees and baskets; O-1 holds T-1, T-1 holds B-1."""
    numbers = range(1, 6)
    return {
        "orchard": rows_of(
            standard,
            "orchard",
            *({"orchard_id": f"O-{number}", "area_m2": "0" if number == 1 else "9"} for number in numbers),
        ),
        "tree": rows_of(
            standard, "tree", *({"tree_id": f"T-{number}", "orchard_id": f"O-{number}"} for number in numbers)
        ),
        "basket": rows_of(
            standard,
            "basket",
            *({"basket_id": f"B-{number}", "tree_id": f"T-{number}", "weight_kg": "10"} for number in numbers),
        ),
    }


def test_a_held_row_holds_what_depends_on_it_down_the_chain() -> None:
    standard = orchard()
    outcome = judge(standard, chain(standard))
    assert outcome.held == {"orchard": {2}, "tree": {2}, "basket": {2}}
    assert outcome.held_told == {"orchard": 1, "tree": 1, "basket": 1}
    assert outcome.verdict == "accepted_with_holds"


def test_a_held_row_holds_nothing_above_it() -> None:
    standard = orchard()
    filed = chain(standard)
    filed["orchard"][0]["area_m2"] = "9"
    filed["basket"][0]["weight_kg"] = "100"
    outcome = judge(standard, filed)
    assert outcome.held == {"orchard": set(), "tree": set(), "basket": {2}}


def test_a_reference_that_is_blank_or_points_nowhere_holds_nothing() -> None:
    standard = orchard()
    filed = chain(standard)
    filed["tree"][0]["orchard_id"] = None
    filed["tree"][1]["orchard_id"] = "O-9"
    assert judge(standard, filed).held == {"orchard": {2}, "tree": set(), "basket": set()}


def test_children_filed_without_their_parents_are_judged() -> None:
    standard = orchard()
    filed = {"tree": chain(standard)["tree"], "basket": chain(standard)["basket"]}
    assert judge(standard, filed).held == {"tree": set(), "basket": set()}


def test_holds_spread_in_a_standard_without_a_table_of_files(tmp_path: Path) -> None:
    directory = Path(shutil.copytree(orchard().directory, tmp_path / "orchard"))
    (directory / "tables" / "filing.yml").unlink()
    (directory / "rules" / "ORC-FIL-001.yml").unlink()
    standard = load_standard(directory)
    assert judge(standard, chain(standard)).held_told == {"orchard": 1, "tree": 1, "basket": 1}


def test_the_held_share_of_principal_is_that_of_the_held_rows() -> None:
    standard = orchard()
    with duckdb.connect(":memory:") as con:
        con.execute(
            "create table filed_basket as select * from "
            "(values (2, 30.00::decimal(9, 2)), (3, 70.00), (4, null)) as rows(row_number, weight_kg)"
        )
        con.execute("create table held_basket as select 2 as row_number")
        assert engine.principal_of(con, standard.all_tables["basket"]) == (Decimal(100), Decimal(30))
        con.execute("update filed_basket set weight_kg = 0")
        assert engine.principal_of(con, standard.all_tables["basket"]) == (0, 0)
        assert engine.principal_of(con, standard.all_tables["tree"]) == (0, 0)
