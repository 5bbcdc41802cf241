"""When a warehouse is brought up to date and when it is made anew; whatever happens, readers keep a whole one."""

import datetime
import shutil
from pathlib import Path

import duckdb
import pytest

from ingest import dbt, warehouse
from ingest.dbt import database_being_built
from ingest.errors import StorageError
from ingest.paths import Home
from ingest.plan_steps import Kind
from ingest.update import can_be_updated, write_basis

FIRST, SECOND, THIRD = (datetime.datetime(2026, 1, day) for day in (1, 2, 3))
Known = dict[str, datetime.datetime | None]
BUILT: Known = {"A-1": FIRST, "A-2": SECOND, "A-9": None}


def _write(con: duckdb.DuckDBPyConnection, table: str, known: Known) -> None:
    con.execute(f"create table {table} (filing_id varchar, known_from timestamp)")
    con.executemany(f"insert into {table} values (?, ?)", list(known.items()))


def _database(place: Path, known: Known) -> Path:
    with duckdb.connect(str(place)) as con:
        con.execute("create schema quality")
        _write(con, "quality.filing_outcomes", known)
    write_basis(place, "basis")
    return place


def _export(place: Path, known: Known) -> Path:
    place.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(":memory:") as con:
        _write(con, "filings", known)
        con.execute(f"copy filings to '{place}' (format parquet)")
    return place


@pytest.mark.parametrize(
    ("filings", "can"),
    [
        (BUILT, True),
        (BUILT | {"A-3": THIRD}, True),
        (BUILT | {"A-9": THIRD}, True),  # decided since
        (BUILT | {"A-3": FIRST}, False),  # accepted before what is there: its loans come before others
        (BUILT | {"A-3": SECOND}, False),  # at the same moment: nobody can say which comes first
        ({"A-1": FIRST}, False),  # a registry from a backup knows less
        (BUILT | {"A-1": SECOND}, False),
    ],
)
def test_only_filings_accepted_later_can_be_added(tmp_path: Path, filings: Known, can: bool) -> None:
    database = _database(tmp_path / "npl.duckdb", BUILT)
    assert can_be_updated(database, _export(tmp_path / "filings.parquet", filings), "basis") is can


def test_what_was_made_on_another_basis_or_is_no_database_is_made_anew(tmp_path: Path) -> None:
    filings = _export(tmp_path / "filings.parquet", BUILT)
    database = _database(tmp_path / "npl.duckdb", BUILT)
    assert can_be_updated(database, filings, "basis")
    assert not can_be_updated(database, filings, "another standard, model or version")
    assert not can_be_updated(tmp_path / "nothing.duckdb", filings, "basis")
    database.write_bytes(b"damaged" * 1000)
    assert not can_be_updated(database, filings, "basis")


@pytest.fixture
def built(npl_home: Home, monkeypatch: pytest.MonkeyPatch) -> list[Kind]:
    """A warehouse that can be updated, and a list of the builds that dbt is asked for."""
    npl_home.warehouse.parent.mkdir(parents=True)
    _database(npl_home.warehouse, BUILT)
    _export(npl_home.operations / "filings.parquet", BUILT | {"A-3": THIRD})
    monkeypatch.setattr(warehouse, "basis_digest", lambda: "basis")
    asked: list[Kind] = []

    def build(kind: Kind, compiled_by: str) -> Path:
        asked.append(kind)
        if kind == Kind.update and (npl_home.root / "broken").exists():
            database_being_built(npl_home).write_bytes(b"half")
            raise StorageError("坏", "broken")
        if kind == Kind.whole:
            _database(database_being_built(npl_home), BUILT)
        return npl_home.root / "manifest.json"

    monkeypatch.setattr(dbt, "build", build)
    return asked


def test_an_update_works_on_a_copy_of_what_stands(npl_home: Home, built: list[Kind]) -> None:
    before = npl_home.warehouse.read_bytes()
    warehouse._update_or_rebuild(database_being_built(npl_home))
    assert built == [Kind.update]
    assert npl_home.warehouse.read_bytes() == before == database_being_built(npl_home).read_bytes()


def test_an_update_that_fails_is_followed_by_a_build_from_nothing(npl_home: Home, built: list[Kind]) -> None:
    (npl_home.root / "broken").touch()
    before = npl_home.warehouse.read_bytes()
    warehouse._update_or_rebuild(database_being_built(npl_home))
    assert built == [Kind.update, Kind.whole]
    assert npl_home.warehouse.read_bytes() == before
    shutil.copyfile(database_being_built(npl_home), npl_home.warehouse)
    assert can_be_updated(npl_home.warehouse, npl_home.operations / "filings.parquet", "basis")


def test_a_parse_is_kept_for_other_homes(tmp_path: Path) -> None:
    project, first, second = tmp_path / "project", tmp_path / "first", tmp_path / "second"
    first.mkdir()
    (first / dbt.PARSED).write_bytes(b"parsed")
    dbt.keep_parse(project, first)
    dbt.lend_parse(project, second)
    assert (second / dbt.PARSED).read_bytes() == b"parsed"
    (second / dbt.PARSED).write_bytes(b"its own")
    dbt.lend_parse(project, second)
    assert (second / dbt.PARSED).read_bytes() == b"its own"
