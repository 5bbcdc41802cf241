"""In whatever order institutions file, the market comes out the same; only when each thing was known differs.

Filings are decided by all rules without Great Expectations, as in `test_synthetic_market`; of the models those run
that the tables compared here need.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
import pytest
from dbt_build import DBT_PROJECT, run_dbt
from filings import judge_by
from market_filing import arrivals, file_one_by_one, shuffled

from expectations.spec import load_standard
from ingest import registry, warehouse
from ingest.accept import write_empty_tables
from ingest.config import settings
from ingest.paths import Home
from ingest.synthetic.market import Order, write_market

pytestmark = pytest.mark.slow

# small, and still with tapes, a dispute, a public notice, re-listings, a correction, a withdrawal and a spoiled filing
ORDER = Order(institutions=4, first="2025Q3", last="2025Q4", loans=60, defects=Decimal("0.2"), seed=29)
SHUFFLE = 3
TABLES = {
    "market.quarterly_activity": 10,
    "core.fct_transfers": 2,
    "core.fct_notices": 5,
    "core.fct_loans": 50,
    "core.fct_recoveries": 3,
    "core.fct_title_chain": 50,
}


@dataclass(frozen=True)
class Arrived:
    """A home after its filings came in some order."""

    order: list[str]
    verdicts: dict[str, str]
    states: dict[str, str]
    tables: dict[str, list[tuple[Any, ...]]]


@pytest.fixture(scope="module")
def market(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("market") / "market"
    write_market(ORDER, place, load_standard())
    return place


@pytest.fixture(scope="module")
def recommended(market: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arrived]:
    yield from _arrived(market, arrivals(market), tmp_path_factory.mktemp("recommended"))


@pytest.fixture(scope="module")
def otherwise(market: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arrived]:
    yield from _arrived(market, shuffled(market, SHUFFLE), tmp_path_factory.mktemp("otherwise"))


def _arrived(market: Path, order: list[Path], root: Path) -> Iterator[Arrived]:
    standard = load_standard()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NPL_HOME", str(root / "home"))
        settings.cache_clear()
        judge_by(patch, standard)
        verdicts = file_one_by_one(market, order)
        warehouse.export_operations()
        write_empty_tables(standard)
        states = {record.filing_id: record.state for record in registry.all_filings()}
        database = _build(Home(root / "home"), root)
    settings.cache_clear()
    with duckdb.connect(str(database), read_only=True) as con:
        tables = {
            name: sorted(con.sql(f"select {_but_for_times(con, name)} from {name}").fetchall(), key=repr)
            for name in TABLES
        }
    yield Arrived([place.name for place in order], verdicts, states, tables)


def _build(home: Home, root: Path) -> Path:
    database = root / "npl.duckdb"
    wanted = " ".join(f"+{name.split('.')[1]}" for name in TABLES)
    result = run_dbt(DBT_PROJECT, home.root, database, root, "run", "--select", wanted)
    assert result.success, result.exception
    return database


def _but_for_times(con: duckdb.DuckDBPyConnection, table: str) -> str:
    """All columns but those that say when the platform knew a thing, and a loan's number, which goes by that."""
    columns = con.sql(f"from {table}").columns
    return ", ".join(name for name in columns if not name.startswith("known_") and name != "loan_number")


def test_the_second_order_is_another_one(recommended: Arrived, otherwise: Arrived) -> None:
    assert sorted(recommended.order) == sorted(otherwise.order)
    places = [recommended.order.index(name) for name in otherwise.order]
    falls = sum(later < earlier for earlier, later in pairwise(places))
    assert falls > len(places) // 4


def test_every_filing_gets_the_same_verdict_and_ends_in_the_same_state(
    recommended: Arrived, otherwise: Arrived
) -> None:
    assert recommended.verdicts == otherwise.verdicts
    assert recommended.states == otherwise.states
    assert {"accepted", "rejected", "superseded", "withdrawn"} <= set(recommended.states.values())


@pytest.mark.parametrize("table", TABLES)
def test_a_table_is_the_same_but_for_when_it_was_known(table: str, recommended: Arrived, otherwise: Arrived) -> None:
    assert len(recommended.tables[table]) >= TABLES[table]
    assert recommended.tables[table] == otherwise.tables[table]
