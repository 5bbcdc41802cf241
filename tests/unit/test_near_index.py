"""The index of accepted keys: few runs, nothing counted twice, nothing removed that somebody reads."""

from collections.abc import Sequence
from pathlib import Path

import duckdb
import numpy as np
import pytest

from expectations import work_database
from expectations.spec import TableSpec, load_standard
from ingest import near_index
from ingest.accepted_files import Mark
from ingest.near import NearRows
from ingest.near_index import hash_of, index, runs_of
from ingest.paths import Home, exclusive_if_free, home, shared


@pytest.fixture
def spec() -> TableSpec:
    return load_standard().tables["loan"]


def accepted(spec: TableSpec, name: str, keys: Sequence[str]) -> Path:
    """A file of accepted loans of one project, the file's name."""
    file = home().parquet(home().accepted, "loan", "2026-01", "I", name)
    file.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as con:
        con.execute(f"create table rows ({work_database.accepted_ddl(spec)})")
        for key in keys:
            con.execute("insert into rows (filing_id, project_code, loan_key) values (?, ?, ?)", [name, name, key])
        con.execute(f"copy rows to '{file}' (format parquet)")
    return file


def holders(spec: TableSpec, key: str) -> set[str]:
    """The files in which the index finds a loan key."""
    with duckdb.connect() as con:
        ((hashed,),) = con.execute(f"select {hash_of('loan_key', '?')}", [key]).fetchall()
    found = [run.look_up(np.array([hashed], np.uint64))[1] for run in runs_of(spec)]
    return {mark.filing_id for marks in found for mark in marks}


def tallied(spec: TableSpec) -> dict[str, int]:
    """Rows of each filing, as all runs together count them."""
    files = [str(run.tally) for run in runs_of(spec)]
    with duckdb.connect() as con:
        query = f"select filing_id, sum(loans)::bigint from read_parquet({files}) group by all"
        return dict(con.execute(query).fetchall())


def test_a_key_is_found_in_every_file_that_holds_it(npl_home: Home, spec: TableSpec) -> None:
    index(spec, [accepted(spec, "A", ["k1", "k2", "k2"]), accepted(spec, "B", ["k2", "k3"])])
    assert (holders(spec, "k1"), holders(spec, "k2"), holders(spec, "k4")) == ({"A"}, {"A", "B"}, set())
    assert holders(spec, "A") == set(), "a project's code is no loan key"
    assert tallied(spec) == {"A": 3, "B": 2}


def test_however_many_filings_are_accepted_one_by_one_there_are_few_runs(npl_home: Home, spec: TableSpec) -> None:
    for number in range(12):
        index(spec, [accepted(spec, f"F{number}", [f"k{number}", "shared"])])
    assert len(runs_of(spec)) <= 4
    assert holders(spec, "shared") == {f"F{number}" for number in range(12)}
    assert tallied(spec) == {f"F{number}": 2 for number in range(12)}


def test_a_file_that_was_written_again_counts_once_and_as_it_is(npl_home: Home, spec: TableSpec) -> None:
    index(spec, [accepted(spec, "A", ["k1"]), accepted(spec, "B", ["k1"])])
    index(spec, [accepted(spec, "A", ["k2", "k3"]), accepted(spec, "C", ["k4"])])
    assert (holders(spec, "k1"), holders(spec, "k2")) == ({"B"}, {"A"})
    assert tallied(spec) == {"A": 2, "B": 1, "C": 1}


def test_a_run_that_somebody_reads_is_not_removed_with_its_tally(npl_home: Home, spec: TableSpec) -> None:
    index(spec, [accepted(spec, "A", ["k1"])])
    (replaced,) = runs_of(spec)
    reader = shared(npl_home.near_readers("loan"))
    index(spec, [accepted(spec, "B", ["k2"])])
    index(spec, [accepted(spec, "C", ["k3"])])
    assert not replaced.keys.exists()
    assert replaced.tally.exists()
    reader.close()
    index(spec, [accepted(spec, "D", ["k4"])])
    assert not replaced.tally.exists()


def test_who_finds_another_indexing_goes_on_without(npl_home: Home, spec: TableSpec) -> None:
    file = accepted(spec, "A", ["k1"])
    with exclusive_if_free(npl_home.near_turn("loan")) as is_mine:
        assert is_mine
        index(spec, [file])
    assert runs_of(spec) == []


def test_a_run_is_as_large_as_is_sorted_in_memory_and_no_larger(
    npl_home: Home, spec: TableSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(near_index, "LARGEST_RUN", 10)
    index(spec, [accepted(spec, f"F{number}", ["k", f"k{number}"]) for number in range(9)])
    runs = runs_of(spec)
    assert len(runs) > 2
    assert all(run.hashes.size <= 10 for run in runs)
    assert holders(spec, "k") == {f"F{number}" for number in range(9)}


def test_runs_of_another_shape_are_not_looked_at_and_go(npl_home: Home, spec: TableSpec) -> None:
    file = accepted(spec, "A", ["k1"])
    index(spec.model_copy(update={"near_by": ("loan_key",)}), [file])
    assert runs_of(spec) == []
    index(spec, [file])
    assert [run.marks for run in runs_of(spec)] == [(Mark.of(file),)]
    assert len(list(npl_home.near("loan").glob("*/*"))) == 2


def test_a_home_that_cannot_be_written_to_costs_time_alone(
    npl_home: Home, spec: TableSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    standard = load_standard()
    monkeypatch.setattr("ingest.near.NEAR_FROM_BYTES", 0)
    monkeypatch.setattr("ingest.near.NOT_INDEXED_BYTES", 0)
    monkeypatch.setattr("ingest.near.index", full)
    rows = NearRows()
    assert rows.takes(spec, [accepted(spec, "A", ["k1", "k2"])])
    with duckdb.connect() as con:
        work_database.prepare(con, standard, standard.head.examples.context)
        con.execute("create or replace table filed_loan as select 'P' as project_code, 'k2' as loan_key")
        rows.reach(con, standard, ["loan"])
        assert con.execute("select loan_key from reached_loan").fetchall() == [("k2",)]
        assert con.execute("select sum(loans)::bigint from tally_loan").fetchall() == [(2,)]
        assert not rows.takes(spec, [])
        rows.reach(con, standard, ["loan"])
        assert con.execute("select count(*) from reached_loan").fetchall() == [(0,)]
