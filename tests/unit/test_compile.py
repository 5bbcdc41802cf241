"""From rules to SQL: which rule judges which row, and what a row of tokens becomes."""

import shutil
from collections.abc import Mapping
from pathlib import Path

import duckdb
import pytest
from judging import Outcome, judge, orchard, rows_of

from expectations.compile import checks_of, macros_of, provable, sql_list, sql_text
from expectations.spec import Standard, load_standard

TALL = "501"


def tree_rules(*changes: Mapping[str, str | None], subject: str = "GARDEN01") -> Outcome:
    standard = orchard()
    numbered = [{"tree_id": f"T-{number}", **change} for number, change in enumerate(changes)]
    return judge(standard, {"tree": rows_of(standard, "tree", *numbered)}, context={"filing_subject": subject})


def test_a_rule_judges_from_the_version_that_it_came_with_to_the_one_it_went_with() -> None:
    days = ("2025-10-26", "2025-10-27", "2020-01-01")
    outcome = tree_rules(*({"height_cm": TALL, "planted_date": day} for day in days))
    assert outcome.rules_by_row("tree") == {2: {"ORC-TRE-002"}, 3: {"ORC-TRE-001"}, 4: {"ORC-TRE-002"}}


def test_a_rule_with_a_condition_judges_only_rows_that_meet_it() -> None:
    outcome = tree_rules(*({"height_cm": "9", "fruit": fruit} for fruit in ("苹果", "樱桃", "no fruit")))
    assert outcome.rules_by_row("tree") == {3: {"ORC-TRE-003"}}


@pytest.mark.parametrize(
    ("subject", "day", "broken"),
    [
        ("GARDEN02", "2025-12-31", True),
        ("GARDEN02", "2026-01-01", False),
        ("GARDEN02", "2026-06-30", False),
        ("GARDEN02", "2026-07-01", True),
        ("GARDEN01", "2026-03-01", True),
        ("GARDEN02", "", True),
    ],
)
def test_an_exception_frees_one_institution_on_its_days(subject: str, day: str, broken: bool) -> None:
    outcome = tree_rules({"height_cm": TALL, "planted_date": day}, subject=subject)
    assert outcome.rules_by_row("tree") == ({2: {"ORC-TRE-001"}} if broken else {})


@pytest.mark.parametrize("state", ["proposed", "disabled", "withdrawn"])
def test_a_rule_that_is_not_active_judges_nothing(tmp_path: Path, state: str) -> None:
    directory = Path(shutil.copytree(orchard().directory, tmp_path / "orchard"))
    rule = directory / "rules" / "ORC-TRE-001.yml"
    rule.write_text(rule.read_text(encoding="utf-8").replace("state: active", f"state: {state}"), encoding="utf-8")
    standard = load_standard(directory)
    tall = {"tree": rows_of(standard, "tree", {"height_cm": TALL})}
    assert judge(orchard(), tall).verdict == "rejected"
    assert judge(standard, tall).findings == []


def test_every_spelling_of_a_code_means_its_code() -> None:
    standard = orchard()
    spellings = {text: code.code for code in standard.codes["fruit"] for text in code.spellings}
    assert len(spellings) == 8
    outcome = tree_rules(*({"fruit": text} for text in spellings), {"fruit": ""}, {"fruit": "ap"}, {"fruit": "ND2"})
    assert [row["fruit"] for row in outcome.typed["tree"]] == [*spellings.values(), "AP", None, None]


def test_codes_know_their_group() -> None:
    with macros(orchard()) as con:
        (groups,) = con.execute(
            "select parent_fruit('AP'), parent_fruit('CH'), parent_fruit('XX'), parent_fruit(null)"
        ).fetchall()
    assert groups == ("pome", "stone", None, None)


def test_a_standard_without_personal_data_finds_none() -> None:
    with macros(orchard()) as con:
        assert con.execute("select has_personal_data('13800000000')").fetchall() == [(False,)]


@pytest.mark.parametrize("column", ["an unknown one", "standard_version", "mask_0"])
def test_the_order_of_a_files_columns_changes_nothing(column: str) -> None:
    standard = orchard()
    rows = rows_of(standard, "tree", {"height_cm": TALL})
    forward = judge(standard, {"tree": [{**row, column: "x"} for row in rows]})
    backward = judge(standard, {"tree": [{column: "x", **dict(reversed(row.items()))} for row in rows]})
    assert forward.findings == backward.findings
    assert forward.verdict == "rejected"


def test_checks_are_numbered_in_the_order_of_rules_and_fields() -> None:
    standard = orchard()
    checks = checks_of(standard, "tree", ["tree_id"])
    assert [check.index for check in checks] == list(range(len(checks)))
    assert [check.rule.id for check in checks] == sorted(check.rule.id for check in checks)
    assert [check.field for check in checks if check.rule.id == "ORC-SCH-001"] == ["planted_date", "height_cm"]


def test_a_table_of_the_platform_takes_no_rule_of_all_tables() -> None:
    standard = orchard()
    assert [rule.id for rule in standard.rules_of("filing")] == ["ORC-FIL-001"]
    assert {rule.table for rule in standard.rules_of("tree")} == {"*", "tree"}


def test_a_quote_in_a_text_stays_in_it() -> None:
    text = "O'Brien; drop table x --"
    with duckdb.connect(":memory:") as con:
        assert con.execute(f"select {sql_text(text)}, {sql_list([text, text])}, {sql_text(None)}").fetchall() == [
            (text, [text, text], None)
        ]


@pytest.mark.parametrize(
    ("suggested", "filed", "kept"),
    [("150", "150cm", "150"), ("150", "150", None), ("1.5", "15dm", None), (None, "x", None)],
)
def test_a_suggestion_that_would_be_refused_or_changes_nothing_is_none(
    suggested: str | None, filed: str, kept: str | None
) -> None:
    height = orchard().all_tables["tree"].by_name["height_cm"]
    with duckdb.connect(":memory:") as con:
        sql = f'select {provable(height, sql_text(suggested))} from (select {sql_text(filed)} as "height_cm__text")'
        assert con.execute(sql).fetchall() == [(kept,)]


def macros(standard: Standard) -> duckdb.DuckDBPyConnection:
    con = duckdb.connect(":memory:")
    for statement in macros_of(standard):
        con.execute(statement)
    return con
