"""From counts to a verdict: severities, the ceiling on holds, and results read back from the work database."""

import duckdb
import pytest
from judging import judge, orchard, rows_of

from expectations import work_database
from expectations.examples import text_rows
from expectations.judge import judge_one, judging_order, recorded_results, type_filing, verdict_of
from expectations.spec import Row, Standard, load_standard

NOTICE = "package_notice"


@pytest.mark.parametrize(
    ("severities", "verdict"),
    [
        ([], "accepted"),
        (["info"], "accepted"),
        (["warn", "info"], "accepted"),
        (["hold"], "accepted_with_holds"),
        (["warn", "hold"], "accepted_with_holds"),
        (["hold", "reject"], "rejected"),
        (["reject"], "rejected"),
    ],
)
def test_the_gravest_severity_is_the_verdict(severities: list[str], verdict: str) -> None:
    assert verdict_of(severities) == verdict


def test_tables_are_judged_in_the_order_of_the_standard_and_files_last() -> None:
    assert judging_order(orchard(), ["tree", "basket"]) == ["basket", "tree", "filing"]


def test_warnings_and_information_do_not_stop_a_filing() -> None:
    standard = orchard()
    outcome = judge(
        standard,
        {
            "tree": rows_of(
                standard, "tree", {"height_cm": "9", "fruit": "CH"}, {"height_cm": "301", "planted_date": "2025-01-01"}
            )
        },
    )
    assert {finding.severity for finding in outcome.findings} == {"warn", "info"}
    assert (outcome.verdict, outcome.held["tree"]) == ("accepted", set())


def baskets(standard: Standard, heavy: int, rows: int, weight: str = "100") -> list[Row]:
    return rows_of(
        standard,
        "basket",
        *({"basket_id": f"B-{number}", "weight_kg": weight if number < heavy else "99"} for number in range(rows)),
    )


@pytest.mark.parametrize(
    ("heavy", "weight", "verdict"),
    [(0, "100", "accepted"), (2, "100", "accepted_with_holds"), (3, "100", "rejected"), (1, "100000", "rejected")],
)
def test_a_filing_with_too_many_held_rows_or_too_much_held_principal_is_rejected(
    heavy: int, weight: str, verdict: str
) -> None:
    # a quarter may be held: of 9 rows two but not three, and by weight 2 x 100 of 893 but not 100,000 of 100,792
    standard = orchard()
    outcome = judge(standard, {"basket": baskets(standard, heavy, 9, weight)})
    assert outcome.verdict == verdict
    assert len(outcome.held["basket"]) == heavy
    assert len(outcome.of("ORC-FIL-001")) == (verdict == "rejected")


def test_rows_held_for_their_parents_count_against_the_ceiling_of_their_own_file() -> None:
    standard = orchard()
    filed = {
        "tree": rows_of(standard, "tree", {"tree_id": "T-1"}, {"tree_id": "T-2"}),
        "orchard": rows_of(
            standard,
            "orchard",
            {"orchard_id": "O-1", "area_m2": "0"},
            *({"orchard_id": f"O-{number}"} for number in range(2, 9)),
        ),
    }
    outcome = judge(standard, filed)
    assert outcome.verdict == "rejected"
    assert [finding.key for finding in outcome.of("ORC-FIL-001")] == ["file_name=tree.csv"]


def test_a_notice_filing_above_the_hold_ceiling_is_rejected_by_the_rule_of_the_ceiling() -> None:
    standard = load_standard()
    holding = next(
        rule for rule in standard.rules_of(NOTICE) if (rule.severity, rule.scope) == ("hold", "row") and rule.fields
    )
    kept = standard.with_rules([holding, standard.rules["NPL-FIL-009"]])
    notices = [{"notice_id": f"GG-{number}", "project_code": f"P-{number}"} for number in range(40)]
    held_row = standard.example_row(NOTICE, holding.bad_rows[0])
    for more, verdict in ((1, "accepted_with_holds"), (3, "rejected")):
        held = [{**held_row, **notices[number]} for number in range(more)]
        outcome = judge(kept, {NOTICE: [*held, *rows_of(standard, NOTICE, *notices[more:])]})
        assert outcome.counts[holding.id, None] == more
        assert outcome.verdict == verdict
        told = [finding.values["held_rows"] for finding in outcome.of("NPL-FIL-009")]
        assert told == ([str(more)] if more == 3 else [])


def test_a_filing_without_tables_is_judged_as_a_filing() -> None:
    standard = orchard()
    with duckdb.connect(":memory:") as con:
        nothing_held = {"held_rows": "", "held_principal_ratio": ""}
        work_database.load_rows(con, "filing", text_rows(rows_of(standard, "filing", nothing_held)))
        work_database.prepare(con, standard, {})
        type_filing(con, standard, [])
        # Great Expectations hands the empty list of tables over as one empty name
        assert judge_one(con, standard, "filing", [""]).rows == 1


def test_results_read_back_are_those_that_were_found() -> None:
    standard = orchard()
    filed = ["orchard", "tree"]
    with duckdb.connect(":memory:") as con:
        for table, changes in (
            ("orchard", [{"area_m2": "0"}, {"orchard_id": "O-2"}]),
            ("tree", [{}, {"height_cm": "501"}]),
            ("filing", [{"table_name": name} for name in filed]),
        ):
            work_database.load_rows(con, table, text_rows(rows_of(standard, table, *changes)))
        work_database.prepare(con, standard, {})
        type_filing(con, standard, filed)
        found = {table: judge_one(con, standard, table, filed) for table in judging_order(standard, filed)}
        again = recorded_results(con, standard, filed)
    assert {
        table: [(check.rule.id, check.field, count) for check, count in result.counts.items()]
        for table, result in found.items()
    } == {
        table: [(check.rule.id, check.field, count) for check, count in result.counts.items()]
        for table, result in again.items()
    }
    assert (again["orchard"].held, again["tree"].held, again["tree"].rows) == (1, 2, 2)
    assert again["tree"].count("ORC-TRE-001") == 1
