"""Accepted, held and rejected rows are the filed ones, by rows and by principal, and a held row takes its children."""

import random
import shutil
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from filings import NOTICE, judge_by, put, sale_notice, small_standard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from expectations.spec import Row, load_standard
from ingest import accept, receive, registry, registry_tables
from ingest.paths import Home, home

LOAN, COLLATERAL, RECOVERY, TRANSFER = "loan", "collateral", "recovery", "transfer_result"
TIE, RELISTED_IN_TITLE, RATE_ABOVE_ONE, AUCTION_IN_THE_PAST = "NPL-PKG-040", "NPL-PKG-064", "NPL-LOA-032", "NPL-COL-020"
DEFECTS: dict[str, Row] = {
    NOTICE: {"package_name": "示例第一消费金融有限公司关于2026年第1期个人不良贷款转让项目（重新挂牌）"},
    LOAN: {"annual_rate": "18.000000"},
    COLLATERAL: {"disposal_state": "拍卖中", "next_auction_date": "2020-02-10", "next_reserve_cny": "875000.00"},
}
PRINCIPAL = {NOTICE: "principal_cny", LOAN: "principal_cny"}
PACKAGES, LOANS = 20, 60

defects = st.fixed_dictionaries(
    {
        NOTICE: st.sets(st.integers(0, PACKAGES - 1), max_size=2),
        LOAN: st.sets(st.integers(0, LOANS - 1), max_size=4),
        COLLATERAL: st.sets(st.integers(0, LOANS - 1), max_size=4),
        "tie": st.booleans(),
    }
)


@pytest.fixture
def quick(npl_home: Home, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A home where notices, loans and collateral are judged by one holding rule each, and by one that rejects."""
    rules = (TIE, RELISTED_IN_TITLE, RATE_ABOVE_ONE, AUCTION_IN_THE_PAST)
    judge_by(monkeypatch, small_standard([NOTICE, LOAN, COLLATERAL], *rules))
    return npl_home


def tables_with(broken: dict[str, Any]) -> dict[str, list[Row]]:
    """A filing of packages, their loans and the collateral of each, with these rows broken."""
    standard = load_standard()
    codes = [f"SLXJ01-2026-{number:03}" for number in range(PACKAGES)]
    loans = [(codes[number % PACKAGES], f"L-{number:03}") for number in range(LOANS)]
    tables = {
        NOTICE: [sale_notice(notice_id=f"GG-{code}", project_code=code) for code in codes],
        LOAN: [standard.example_row(LOAN, {"project_code": code, "loan_key": key}) for code, key in loans],
        COLLATERAL: [standard.example_row(COLLATERAL, {"project_code": code, "loan_key": key}) for code, key in loans],
    }
    for table, defect in DEFECTS.items():
        for number in broken[table]:
            tables[table][number] = tables[table][number] | defect
    if broken["tie"]:
        tables[NOTICE][0] = tables[NOTICE][0] | {"principal_interest_cny": "77375977.30", "claim_total_cny": ""}
    return tables


def decide(tables: dict[str, list[Row]]) -> dict[str, Any]:
    """File these tables into an empty home and decide them; the decision as it is recorded."""
    shutil.rmtree(home().root, ignore_errors=True)
    put("filing", [], tables=tables)
    (filing_id,) = receive.receive_waiting()
    state = accept.decide(filing_id)
    (decision,) = registry.rows_of(registry_tables.decisions)
    assert decision["verdict"] == state
    return {name: decision[name] for name in decision if name.startswith(("verdict", "rows_", "principal_"))}


def kept(zone: str, table: str) -> list[dict[str, Any]]:
    files = [str(file) for file in (home().root / zone / table).rglob("*.parquet")]
    return duckdb.sql(f"from read_parquet({files})").to_arrow_table().to_pylist() if files else []


def check_conserved(tables: dict[str, list[Row]], decision: dict[str, Any]) -> None:
    filed = {table: sum(Decimal(row[field]) for row in tables[table]) for table, field in PRINCIPAL.items()}
    assert (decision["rows_filed"], decision["principal_filed_cny"]) == (
        sum(map(len, tables.values())),
        sum(filed.values()),
    )
    for what in ("rows", "principal"):
        unit = "_cny" if what == "principal" else ""
        whole, accepted, held = (decision[f"{what}_{part}{unit}"] for part in ("filed", "accepted", "held"))
        rejected = whole if decision["verdict"] == "rejected" else 0
        assert accepted + held + rejected == whole
    for zone in ("accepted", "held"):
        rows = {table: kept(zone, table) for table in tables}
        assert sum(map(len, rows.values())) == decision[f"rows_{zone}"]
        assert (
            sum((row[field] for table, field in PRINCIPAL.items() for row in rows[table]), Decimal(0))
            == decision[f"principal_{zone}_cny"]
        )


@settings(
    max_examples=6,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(broken=defects, seed=st.randoms(use_true_random=False))
def test_rows_and_principal_are_conserved_and_the_order_of_rows_changes_neither(
    quick: Home, broken: dict[str, Any], seed: random.Random
) -> None:
    tables = tables_with(broken)
    decision = decide(tables)
    check_conserved(tables, decision)
    shuffled = {table: seed.sample(rows, len(rows)) for table, rows in tables.items()}
    assert decide(shuffled) == decision


def test_some_filing_of_the_property_is_accepted_with_holds_and_some_is_rejected(quick: Home) -> None:
    few = {NOTICE: {3}, LOAN: set(), COLLATERAL: {3}, "tie": False}
    decision = decide(tables_with(few))
    # the notice, its three loans and their collateral, one of which is broken itself
    assert (decision["verdict"], decision["rows_held"]) == ("accepted_with_holds", 1 + 3 + 3)
    check_conserved(tables_with(few), decision)
    many = decide(tables_with(few | {LOAN: {10, 11}}))
    assert (many["verdict"], many["rows_held"], many["principal_accepted_cny"]) == ("rejected", 0, 0)
    assert many["principal_filed_cny"] == decision["principal_filed_cny"] > 0


@pytest.mark.parametrize(
    ("broken", "chain"),
    [
        (NOTICE, {NOTICE, LOAN, COLLATERAL, TRANSFER, RECOVERY}),
        (LOAN, {LOAN, COLLATERAL, RECOVERY}),
        (COLLATERAL, {COLLATERAL}),
        (TRANSFER, {TRANSFER, RECOVERY}),
    ],
)
def test_a_held_row_takes_with_it_what_points_at_it_through_every_table(broken: str, chain: set[str]) -> None:
    from expectations import engine, filed_rows, work_database
    from expectations.examples import text_rows

    standard = small_standard([NOTICE, LOAN, COLLATERAL, RECOVERY, TRANSFER])
    own = {"project_code": "P-1", "loan_key": "L-1"}
    with duckdb.connect(":memory:") as con:
        for table, spec in standard.tables.items():
            rows = [
                standard.example_row(
                    table, {field: text + number for field, text in own.items() if field in spec.by_name}
                )
                for number in ("", "0")
            ]
            work_database.load_rows(con, table, text_rows(rows))
        work_database.prepare(con, standard, {})
        for table in standard.tables:
            filed_rows.type_rows(con, standard, table)
            con.execute(f"create table held_{table} (row_number bigint)")
        con.execute(f"insert into held_{broken} values (2)")
        engine.hold_dependents(con, standard, standard.tables)
        held = {
            table: [row for (row,) in con.execute(f"select row_number from held_{table}").fetchall()]
            for table in standard.tables
        }
    assert held == {table: [2] if table in chain else [] for table in standard.tables}
