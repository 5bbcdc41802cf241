"""What reaches a release, and what of it the public: proven by the standard's own marks and by planted values."""

import csv
import hashlib
import shutil
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from warehouse_planted import MARK, planted, secret_fields

from expectations.spec import Standard
from ingest import registry, release
from ingest.config import settings
from ingest.disclosure.products import declaration
from ingest.errors import UsageError
from ingest.paths import Home
from ingest.release.tables import released_tables

REPORTS = {"suppression_report"}


@pytest.fixture(scope="module")
def home(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """A home with one release of the tiny warehouse."""
    home = Home(tmp_path_factory.mktemp("public") / "home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NPL_HOME", str(home.root))
        settings.cache_clear()
        home.warehouse.parent.mkdir(parents=True)
        shutil.copyfile(built / "npl.duckdb", home.warehouse)
        registry.all_filings()
        release.publish()
        yield home
    settings.cache_clear()


@pytest.fixture(scope="module")
def folder(home: Home) -> Path:
    return release.find_release(None)


def values_of(con: duckdb.DuckDBPyConnection, relation: str) -> set[str]:
    """Every value of a table, as text."""
    rows = con.execute(f"from {relation}").fetchall()
    return {str(value) for row in rows for value in row if value is not None}


def planted_values(standard: Standard) -> set[str]:
    return {str(value) for table in standard.tables for value in planted(table, standard).values()}


def test_what_was_planted_is_in_the_accepted_rows_and_texts_reach_the_warehouse(built, standard):
    filed = set()
    with duckdb.connect(":memory:") as con:
        for table in standard.tables:
            pattern = built / "home" / "accepted" / table / "**" / "*.parquet"
            filed |= values_of(con, f"read_parquet('{pattern}', union_by_name = true)")
    # a table without rows in this home, and a field that its rows fill themselves, plants nothing
    assert len(planted_values(standard) & filed) >= 5
    with duckdb.connect(str(built / "npl.duckdb"), read_only=True) as con:
        assert f"{MARK}-loan-remarks" in values_of(con, "core.fct_loans")


def test_no_planted_value_is_in_any_table_or_any_byte_of_a_release(folder, standard):
    secret = planted_values(standard)
    assert len(secret) > 5
    seen = set()
    with duckdb.connect(":memory:") as con:
        for file in folder.rglob("*.parquet"):
            seen.add(file.stem)
            found = values_of(con, f"'{file}'")
            assert not {each for each in secret if any(each in value for value in found)}, file.name
    with duckdb.connect(str(folder / release.DATABASE), read_only=True) as con:
        for schema, table in released_tables(con, "npl"):
            found = values_of(con, f"{schema}.{table}")
            assert not {each for each in secret if any(each in value for value in found)}, table
    assert {"fct_loans", "fct_recoveries", "fct_transfers", "quarterly_activity"} <= seen
    for path in folder.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert not [each for each in secret if each.encode() in content], path.name


def test_no_column_of_a_release_is_a_restricted_or_personal_field(folder, standard):
    """By name, since models keep the names of fields; what is secret in one table only has its mark in that model."""
    marks: dict[str, set[str]] = {}
    for table in standard.tables.values():
        for field in table.fields:
            marks.setdefault(field.name, set()).add(field.sensitivity)
    secret = {name for name, said in marks.items() if "public" not in said}
    assert {"loan_key", "borrower_key", "loss_cny"} <= secret
    with duckdb.connect(str(folder / release.DATABASE), read_only=True) as con:
        shown = {
            name for (name,) in con.execute("select column_name from duckdb_columns() where not internal").fetchall()
        }
    assert "claim_cny" in shown
    assert not shown & secret
    assert secret_fields("loan", standard)


def test_every_market_table_is_public_or_withheld_for_a_reason(folder):
    declared = declaration()
    with duckdb.connect(str(folder / release.DATABASE), read_only=True) as con:
        tables = released_tables(con, "npl")
    market = {table for schema, table in tables if schema == "market"}
    made = {product.market_table for product in declared.products.values()}
    assert "quarterly_activity" in market
    # whatever nobody decided on is not public, and this asks for the decision
    assert market <= made | declared.withheld.keys()
    assert made <= market
    assert not made & declared.withheld.keys()
    assert {table for schema, table in tables if schema == "public"} == declared.products.keys() | REPORTS


def test_the_public_sees_the_market_figure_or_nothing(folder):
    with duckdb.connect(str(folder / release.DATABASE), read_only=True) as con:
        rows = con.execute("""
            select public.completed_claim_cny, market.completed_claim_cny, public.completed_suppression
            from public.quarterly_activity as public
            inner join market.quarterly_activity as market using (quarter, breakdown, breakdown_value)""").fetchall()
        (whole,) = con.execute("select count(*) from market.quarterly_activity").fetchone()
    assert len(rows) == whole > 10
    assert all(shown is None if says != "none" else shown == true for shown, true, says in rows)
    # a handful of deals of two sellers: nothing that anybody sold can be shown
    assert {says for _, true, says in rows if true} == {"primary"}
    assert {shown for shown, true, _ in rows if not true} == {Decimal(0)}


def test_deal_prices_are_public_by_quarter_and_year_and_start_prices_are_not(folder):
    with duckdb.connect(str(folder / release.DATABASE), read_only=True) as con:
        grain = "period_kind, period, price_kind, business, overdue_band, is_demo"
        market = con.execute(f"select {grain}, priced_claim_cny from market.price_by_overdue").fetchall()
        public = con.execute(
            f"select {grain}, priced_claim_cny, claim_suppression from public.price_by_overdue"
        ).fetchall()
    true = {tuple(key): value for *key, value in market if key[0] != "all" and key[2] == "deal"}
    assert {tuple(key) for *key, _, _ in public} == true.keys()
    assert len(true) < len(market)
    assert {key[5] for key in true if true[key]} == {False, True}
    # a handful of deals again: only where nobody sold anything there is a figure, and it is nought
    assert {says for *key, _, says in public if true[tuple(key)]} == {"primary"}
    assert {shown for *key, shown, _ in public if true[tuple(key)]} == {None}
    assert {shown for *key, shown, _ in public if not true[tuple(key)]} <= {Decimal(0)}


def test_what_is_suppressed_is_counted(folder):
    with duckdb.connect(str(folder / release.DATABASE), read_only=True) as con:
        report = con.execute("""
            select figures, cell_count, shown_count, primary_count, secondary_count, minimum_institutions, p_share
            from public.suppression_report where product = 'quarterly_activity' order by figures""").fetchall()
        for figures, cells, shown, primary, secondary, institutions, p_share in report:
            counted = con.execute(f"""
                select count(*), count(*) filter (where {figures}_suppression = 'none'),
                    count(*) filter (where {figures}_suppression = 'primary'),
                    count(*) filter (where {figures}_suppression = 'secondary')
                from public.quarterly_activity""").fetchone()
            assert counted == (cells, shown, primary, secondary)
            assert (institutions, p_share) == (3, Decimal("0.1"))
        shares = con.execute(
            "select sum(cell_ratio) from quality.suppression_value group by product, figures"
        ).fetchall()
    assert [row[0] for row in report] == ["completed", "discount", "listed", "recovery"]
    assert all(share == pytest.approx(1) for (share,) in shares)


def test_the_public_bundle_holds_the_public_tables_and_nothing_of_the_rest(folder, tmp_path, standard):
    out = tmp_path / "bundle"
    names = release.export_public(folder.name, out)
    assert {name for name in names if name.endswith(".parquet")} == {
        f"public/{table}.parquet" for table in declaration().products.keys() | REPORTS
    }
    assert not [name for name in names if name.endswith(".duckdb")]
    with (out / "data_dictionary.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["table"].partition(".")[0] for row in rows} == {"public"}
    assert all(row["description_zh"] and row["description_en"] for row in rows)
    assert "filings_in_force" not in (out / "manifest.json").read_text(encoding="utf-8")
    listed = dict(line.split("  ")[::-1] for line in (out / "SHA256SUMS").read_text(encoding="utf-8").splitlines())
    assert listed.keys() == set(names) - {"SHA256SUMS"}
    assert all(hashlib.sha256((out / name).read_bytes()).hexdigest() == digest for name, digest in listed.items())


def test_an_export_writes_over_nothing_and_the_whole_release_is_copied_as_it_is(folder, tmp_path):
    (tmp_path / "there").mkdir()
    with pytest.raises(UsageError):
        release.export_public(folder.name, tmp_path / "there")
    names = release.export(folder.name, tmp_path / "whole")
    assert {name: (tmp_path / "whole" / name).read_bytes() for name in names} == {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }
