"""Compliance tables of the tiny home: what counts, what is shown as a gap, and that nothing filed is lost."""

import datetime
from decimal import Decimal

import pytest
import yaml
from dbt_build import DBT_PROJECT
from warehouse_compliance import RETURNS

from ingest.release_columns import withheld_columns

TABLES = (
    "complaints",
    "disclosure_duties",
    "model_use",
    "outsourcing",
    "staff_qualification",
    "tax_relief",
    "violent_collection",
)


def test_complaints_are_carried_from_one_period_to_the_next_and_the_gap_shows(warehouse):
    rows = warehouse.execute("""
        select filing_id, item, is_of_collector, complaint_closing_count, carried_in_count, carry_gap_count,
               resolved_ratio
        from compliance.complaints order by filing_id, row_number""").fetchall()
    # A's third quarter left 2 + 10 - 9 = 3, its fourth opens with 4; the wrong and the withdrawn filing count nowhere
    assert rows == [
        ("R-1", "CP_WAY", False, 3, None, None, pytest.approx(9 / 12)),
        ("R-3", "CP_WAY", False, 0, 3, 1, 1.0),
        ("R-3", "OUT", True, 4, None, None, pytest.approx(2 / 6)),
        ("R-3", "OUT", True, 0, None, None, None),
        ("R-4", "OUT", True, 0, None, None, 1.0),
    ]


def test_a_collector_is_shown_with_its_clients_and_its_licence_at_the_periods_end(warehouse):
    rows = warehouse.execute("""
        select institution_id, row_number, client_count, licence_state_at_period_end, is_licensed_all_period,
               placed_account_count, institution_placed_account_count, placed_account_ratio, placed_amount_cny / 1e6,
               complaint_per_account_ratio
        from compliance.outsourcing order by filing_id, row_number""").fetchall()
    assert rows == [
        ("SLA", 3, 2, "expired", False, 300, 400, 0.75, 6, pytest.approx(6 / 300)),
        ("SLA", 4, 1, "valid", False, 100, 400, 0.25, 2, 0),
        ("SLB", 2, 2, "not_filed", None, 50, 50, 1.0, 1, pytest.approx(1 / 50)),
    ]


def test_violence_is_shown_by_kind_and_by_collector_and_what_was_done(warehouse):
    rows = warehouse.execute("""
        select filing_id, row_number, is_of_collector, incident_count, is_without_action
        from compliance.violent_collection order by filing_id, row_number""").fetchall()
    assert rows == [
        ("R-1", 3, False, 1, True),
        ("R-3", 3, True, 2, False),
        ("R-3", 4, True, 0, False),
        ("R-3", 5, False, 2, False),
        ("R-4", 2, True, 0, False),
    ]


def test_the_qualified_share_is_of_the_staff_that_there_is(warehouse):
    rows = warehouse.execute("""
        select period_end_date::varchar, item, staff_count, unqualified_staff_count, qualified_ratio
        from compliance.staff_qualification order by 1, 2""").fetchall()
    assert rows == [
        ("2025-09-30", "ST_COL", 10, 0, 1.0),
        ("2025-12-31", "ST_COL", 12, 3, 0.75),
        ("2025-12-31", "ST_LAW", 0, 0, None),
    ]


def test_duties_that_do_not_tie_show_how_far(warehouse):
    rows = warehouse.execute("select item, tie_gap_count, met_ratio from compliance.disclosure_duties").fetchall()
    assert rows == [("DD_RES", 10 - 7 - 2 - 0, 0.7)]


def test_a_model_without_a_registration_says_why(warehouse):
    rows = warehouse.execute("""
        select subject_name, is_registered, registration_missing_reason, is_registry_data_used, is_court_data_used,
               is_news_data_used, unreviewed_package_count, human_reviewed_ratio
        from compliance.model_use""").fetchall()
    assert rows == [("虚构估值模型一", False, "ND4-2026-06-30", False, True, False, 3, 0.4)]


def test_tax_relief_stands_beside_what_the_recoveries_say(warehouse):
    rows = warehouse.execute("""
        select tax_relief_claimed_cny, recovery_month_count, recovery_tax_relief_cny, relief_gap_cny
        from compliance.tax_relief""").fetchall()
    # A holds nothing that it recovers from, so there is nothing to compare with: not a zero
    assert rows == [(Decimal(5_000_000), 0, None, None)]


def test_a_return_as_known_on_an_earlier_day_can_be_asked_again(warehouse):
    rows = warehouse.execute("""
        select day, sum(complaint_received_count)
        from core.fct_compliance_returns, (values ('2026-01-10 12:00'), ('2026-01-11 12:00')) as days (day)
        where known_from <= day::timestamp and (known_to is null or known_to > day::timestamp)
          and item = 'CP_WAY'
        group by day order by day""").fetchall()
    assert rows == [("2026-01-10 12:00", 10 + 99 + 77), ("2026-01-11 12:00", 10 + 7)]


def test_every_return_that_stands_is_in_a_table_and_no_other_is(warehouse):
    rows = warehouse.execute(
        " union ".join(f"select filing_id, row_number from compliance.{table}" for table in TABLES)
    ).fetchall()
    standing = {(row["filing_id"], row["row_number"]) for row in RETURNS if row["filing_id"] in ("R-1", "R-3", "R-4")}
    assert len(standing) == 13
    assert set(rows) == standing


def test_a_periods_return_is_valid_for_its_days(warehouse):
    span = warehouse.execute(
        "select valid_from, valid_to from core.fct_compliance_returns where filing_id = 'R-1' and row_number = 2"
    ).fetchone()
    assert span == (datetime.date(2025, 7, 1), datetime.date(2025, 10, 1))


def test_every_restricted_field_of_a_return_is_withheld_wherever_it_stands(standard):
    restricted = {field.name for field in standard.tables["compliance_return"].fields if field.sensitivity != "public"}
    assert restricted
    path = DBT_PROJECT / "models" / "marts" / "compliance" / "_compliance__models.yml"
    models = {model["name"]: model for model in yaml.safe_load(path.read_text(encoding="utf-8"))["models"]}
    assert set(models) == set(TABLES)
    for name, model in models.items():
        shown = {column["name"] for column in model["columns"]} & restricted
        assert shown == set(withheld_columns().get(name, ())), name


def test_no_table_of_compliance_carries_free_text():
    # remarks may tell of people; what was written stands once, in core
    path = DBT_PROJECT / "models" / "marts" / "compliance" / "_compliance__models.yml"
    models = yaml.safe_load(path.read_text(encoding="utf-8"))["models"]
    columns = {column["name"] for model in models for column in model["columns"]}
    assert "subject_name" in columns
    assert "remarks" not in columns
