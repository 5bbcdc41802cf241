"""Timeliness, the grid of rules and scores on the tiny home, worked out by hand; SQL and Python agree."""

import datetime

import duckdb
import pytest
from dbt_build import DBT_PROJECT
from jinja2 import Template
from warehouse_calendar import FILINGS, OBLIGATIONS, RULE_RESULTS

from ingest.calendar import Obligation
from ingest.manifest import period_bounds
from ingest.standing import standings_of

PRESENT = datetime.datetime(2026, 1, 11, 9)


def test_each_obligation_stands_as_a_hand_works_it_out(warehouse):
    rows = warehouse.execute("""
        select period, table_name, status, missing_reason, days_late, duplicate_count, is_nil_return
        from quality.timeliness order by period, table_name""").fetchall()
    assert rows == [
        ("2025-11", "collateral", "missing", "rejected_only", 6, 0, False),
        ("2025-11", "loan", "late_within_grace", None, 2, 0, False),
        ("2025-11", "package_notice", "on_time", None, None, 0, False),
        ("2025-11", "recovery", "on_time", None, None, 1, False),
        ("2025-11", "transfer_result", "missing", "nothing_filed", 6, 0, False),
        ("2025-12", "collateral", "missing", "withdrawn", 6, 0, False),
        ("2025-12", "loan", "not_yet_due", None, None, 0, False),
        ("2025-12", "package_notice", "early", None, None, 0, True),
        ("2025-12", "recovery", "not_yet_open", None, None, 0, False),
        ("2025-12", "transfer_result", "overdue", "nothing_filed", 1, 0, False),
        ("2025Q4", "compliance_return", "missing", "rejected_only", 6, 0, False),
    ]


def test_python_and_sql_say_the_same_of_every_obligation(warehouse):
    given = [Obligation(**{name: row[name] for name in Obligation.__dataclass_fields__}) for row in OBLIGATIONS]
    assert [(each.due_before, each.grace_before) for each in given] == [
        (row["due_before"], row["grace_before"]) for row in OBLIGATIONS
    ]
    carried = {(row["filing_id"], row["table_name"]) for row in RULE_RESULTS}
    found = {
        (each.obligation.period, each.obligation.table_name): (each.status, each.filed_at)
        for each in standings_of(given, FILINGS, carried, PRESENT)
    }
    rows = warehouse.execute("select period, table_name, status, filed_at from quality.timeliness").fetchall()
    assert len(rows) == len(OBLIGATIONS)
    assert found == {(period, table): (status, filed_at) for period, table, status, filed_at in rows}


def test_the_grid_is_complete_and_holds_what_the_results_say(warehouse):
    rows = dict(
        warehouse.execute("""
            select coalesce(not_assessed_reason, outcome), count(*) from quality.rule_grid
            where institution_id = 'CAL' group by all""").fetchall()
    )
    assert rows == {
        "passed": 3,
        "failed": 3,
        "not_applicable": 1,
        "rule_not_in_version": 2,
        "rule_did_not_run": 4,
        "table_not_filed": 3,
        "withdrawn": 1,
        "not_yet_due": 3,
        "unreadable": 2,
    }
    assert warehouse.execute("""
        select count(*) from quality.rule_grid where outcome = 'failed' and institution_id = 'CAL'
        and (rows_judged, violations) in ((4, 2), (2, 2), (7, 1))""").fetchone() == (3,)


def test_a_score_shows_its_parts(warehouse):
    row = warehouse.execute("""
        select timeliness_numerator, timeliness_denominator, first_time_numerator, first_time_denominator,
               warnings_numerator, warnings_denominator, completeness_ratio, agreement_ratio, missing_count,
               assessed_weight, score
        from quality.institution_scores where institution_id = 'CAL' and quarter = '2025Q4'""").fetchall()
    score = (30 * 3 / 9 + 20 * 7 / 9 + 15 * 3 / 4) / 0.65
    assert row == [(3, 9, 7, 9, 3, 4, None, None, 4, pytest.approx(0.65), pytest.approx(score, abs=0.005))]


@pytest.mark.parametrize("period", ["2026-02", "2024-02", "2026-12", "2026Q1", "2026Q2", "2026Q3", "2026Q4", "2026"])
def test_sql_and_python_agree_on_where_a_period_ends(period):
    source = (DBT_PROJECT / "macros" / "quality.sql").read_text(encoding="utf-8")

    class Dbt:
        @staticmethod
        def last_day(day: str, _: str) -> str:
            return f"last_day({day})"

    sql = Template(source + "{{ period_end('period') }}").render(dbt=Dbt)
    with duckdb.connect() as connection:
        found = connection.execute(f"select {sql} from (select ? as period)", [period]).fetchall()
    assert found == [(period_bounds(period)[1],)]
