"""Loans, collateral, recoveries and title of the tiny home: what counts, what was known when, and who holds what."""

import re
import shutil

import duckdb
import pytest
from dbt_build import DBT_PROJECT, run_dbt

from ingest.paths import Home
from ingest.release.folder import DATABASE
from ingest.release.tables import copy_tables
from ingest.release_columns import withheld_columns

# One `where` tells what was known on a day; docs/as-of.md has it.
AS_KNOWN_ON = "known_from <= $day::timestamp and (known_to is null or known_to > $day::timestamp)"


def test_a_tape_counts_once_whatever_was_corrected_or_withdrawn(warehouse):
    rows = warehouse.execute("""
        select package_id, count(*), sum(principal_cny) / 1e6
        from core.fct_loans
        where is_current and holder_id in ('SLA', 'SLB') group by package_id order by package_id""").fetchall()
    assert rows == [("SLA|P1", 2, 91), ("SLA|P12", 1, 50), ("SLB|P2", 3, 73), ("SLB|P8", 1, 7)]


@pytest.mark.parametrize(
    ("table", "amount", "day", "figure"),
    [
        ("fct_loans", "principal_cny", "2026-01-08 12:00", 40 + 60),
        ("fct_loans", "principal_cny", "2026-01-09 12:00", 41 + 50 + 50),
        ("fct_loans", "principal_cny", "2026-01-10 12:00", 41 + 50 + 50 + 52 + 10 + 11 + 99 + 7),
        ("fct_loans", "principal_cny", "2026-01-11 12:00", 41 + 50 + 50 + 52 + 10 + 11 + 7),
        ("fct_recoveries", "gross_cash_cny", "2026-01-10 12:00", 5),
        ("fct_recoveries", "gross_cash_cny", "2026-01-11 12:00", 6 + 2 + 1),
        ("fct_collateral", "valuation_cny", "2026-01-09 12:00", None),
        ("fct_collateral", "valuation_cny", "2026-01-10 12:00", 30 + 30),
        ("fct_transfer_versions", "price_cny", "2026-01-01 12:00", 99),
        ("fct_transfer_versions", "price_cny", "2026-01-05 12:00", None),
        ("fct_transfer_versions", "price_cny", "2026-01-06 12:00", 105 + 30),
        # the buyer files, and adds no second price of the same deals
        ("fct_transfer_versions", "price_cny", "2026-01-08 12:00", 105 + 30 + 19 + 92 + 900),
    ],
)
def test_what_a_figure_was_as_known_on_any_day_is_one_where(warehouse, table, amount, day, figure):
    found = warehouse.execute(
        f"select sum({amount}) / 1e6 from core.{table} where {AS_KNOWN_ON}", {"day": day}
    ).fetchone()
    assert found == (figure,)


def test_a_loan_that_was_sold_twice_shows_each_step_and_its_fault(warehouse):
    rows = warehouse.execute("""
        select position, package_id, holder_before_id, seller_id, holder_after_id, is_break, is_double_sale,
               double_sale_of_package_id, is_resale_of_personal, is_last
        from core.fct_title_chain where loan_key like 'bbb%' order by position""").fetchall()
    assert rows == [
        (0, None, None, None, "SLA", False, False, None, False, False),
        (1, "SLA|P1", "SLA", "SLA", "BYD", False, False, None, False, False),
        (2, "SLA|P12", "BYD", "SLA", "BYD", True, True, "SLA|P1", False, False),
        (3, "SLB|P2", "BYD", "SLB", "BYD", True, False, None, True, True),
    ]


def test_who_took_a_bank_over_sells_its_loans_without_a_break(warehouse):
    rows = warehouse.execute("""
        select holder_before_id, seller_id, is_break
        from core.fct_title_chain where loan_key like 'ddd%' and position = 1""").fetchall()
    assert rows == [("OLD", "SLB", False)]


def test_a_loan_that_is_only_listed_stays_with_its_originator(warehouse):
    rows = warehouse.execute(
        "select event, holder_after_id, is_last from core.fct_title_chain where loan_key like 'ggg%'"
    ).fetchall()
    assert rows == [("origination", "SLB", True)]


def test_a_recovery_finds_its_deal_also_by_the_buyers_own_code(warehouse):
    rows = warehouse.execute("""
        select project_code, package_id, months_since_signing, gross_cash_cny / 1e6
        from core.fct_recoveries where is_current and filing_id = 'Z-3' order by project_code, route""").fetchall()
    assert rows == [("P-12", "SLA|P12", 1, 1), ("P1", "SLA|P1", 1, 6), ("P1", "SLA|P1", 1, 2)]


def test_a_merged_bank_and_its_heir_name_each_other(warehouse):
    rows = warehouse.execute("""
        select institution_id, successor_id, predecessor_ids, current_institution_id
        from core.dim_institutions where institution_id in ('OLD', 'SLB') order by 1""").fetchall()
    assert rows == [("OLD", "SLB", None, "SLB"), ("SLB", None, "OLD", "SLB")]


def test_each_identity_sees_a_row_too_many_or_a_cent_too_few(built, tmp_path):
    copy = tmp_path / "npl.duckdb"
    shutil.copyfile(built / "npl.duckdb", copy)
    with duckdb.connect(str(copy)) as con:
        # a held row slips in, a cent is lost, a deal differs from its last version, a step of a title is lost, a row is
        # known from a day that has not come
        con.execute("""
            insert into core.fct_loans by name (
                select loans.* replace (99 as row_number) from core.fct_loans as loans
                semi join core.dim_packages as packages
                    on loans.package_id = packages.package_id and packages.status in ('listed', 'completed')
                where loans.is_current order by loans.filing_id, loans.row_number limit 1)""")
        con.execute("update core.fct_recoveries set net_cash_cny = net_cash_cny - 0.01 where route = 'LIT'")
        con.execute("update core.fct_transfer_versions set price_cny = price_cny + 1 where known_to is null")
        con.execute("delete from core.fct_title_chain where position = 2")
        con.execute("update core.fct_collateral set known_from = '2999-01-01'")
    result = run_dbt(DBT_PROJECT, built / "home", copy, tmp_path, "test", "--select", "test_type:singular")
    failed = {run.node.name for run in result.result if str(run.status) == "fail"}
    assert failed == {
        "core_reconciles_with_accepted_filings",
        "registry_counts_what_core_holds",
        "the_last_version_of_a_deal_is_the_deal",
        "every_loan_has_its_title_chain",
        "defect_flags_hold_every_package_and_loan",
        "disposal_costs_add_up_to_core",
        "recovery_curves_add_up",
        "the_present_is_what_is_known_after_the_last_decision",
    }


def test_no_release_shows_a_column_that_is_restricted_everywhere(built, npl_home: Home, tmp_path, standard):
    npl_home.warehouse.parent.mkdir(parents=True)
    shutil.copyfile(built / "npl.duckdb", npl_home.warehouse)
    folder = tmp_path / "release"
    folder.mkdir()
    with duckdb.connect(":memory:") as con:
        copy_tables(con, folder)
    fields = [field for table in standard.tables.values() for field in table.fields]
    secret = {field.name for field in fields} - {field.name for field in fields if field.sensitivity == "public"}
    assert {"loan_key", "borrower_key", "valuation_cny"} <= secret
    with duckdb.connect(str(folder / DATABASE), read_only=True) as con:
        shown = set(con.execute("select table_name, column_name from duckdb_columns() where not internal").fetchall())
        shown |= {
            (file.stem, column)
            for file in folder.rglob("*.parquet")
            for (column, *_) in con.execute(f"describe select * from '{file}'").fetchall()
        }
    assert ("fct_loans", "product") in shown
    assert not {(table, column) for table, column in shown if column in secret}
    assert "principal_cny" in withheld_columns()["fct_loans"]
    assert ("fct_loans", "principal_cny") not in shown


def test_every_query_of_the_page_on_two_time_axes_runs(warehouse):
    page = (DBT_PROJECT.parent / "docs" / "as-of.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```sql\n(.*?)```", page, re.DOTALL)
    queries = [block for block in blocks if block.startswith("select") and "{{" not in block]
    assert len(queries) == 3
    deals, _, loans = [warehouse.execute(query).fetchall() for query in queries]
    assert deals == [(4, (105 + 30 + 19 + 92) * 1_000_000)]
    assert sorted(row[:2] for row in loans) == [(1, "SLA|P1"), (3, "SLA|P1")]
    assert AS_KNOWN_ON in page
