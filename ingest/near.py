"""Accepted rows that a filing can touch, and tallies of the rest, put into its work database when there are many."""

import logging
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import IO

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from expectations import work_database
from expectations.compile import quoted
from expectations.judge import judging_order
from expectations.near import asked_near, show_plainly, tally_of
from expectations.spec import Standard, TableSpec
from ingest.accepted_files import Mark, read_files, shown_by
from ingest.near_index import Hashes, Run, hash_of, index, runs_of
from ingest.paths import home, shared

log = logging.getLogger(__name__)

NEAR_FROM_BYTES = 16 * 1024 * 1024
"""Of fewer accepted bytes of a table every filing is shown all."""
NOT_INDEXED_BYTES = 8 * 1024 * 1024
"""So much is read beside the index; more is put into it first."""


class NearRows:
    """For one work database: the tables of which too much was accepted to show all of it to every filing."""

    def __init__(self) -> None:
        self._files: dict[str, Sequence[Path]] = {}
        self._made: set[str] = set()
        self._turns: dict[str, IO[str]] = {}

    def takes(self, spec: TableSpec, files: Sequence[Path]) -> bool:
        """Whether the rows of these accepted files are left to `reach`; what was told before of the table is over."""
        self._files.pop(spec.table, None)
        if spec.near_by and sum(file.stat().st_size for file in files) > NEAR_FROM_BYTES:
            self._files[spec.table] = files
        return spec.table in self._files

    def reach(self, con: duckdb.DuckDBPyConnection, standard: Standard, filed: Sequence[str]) -> None:
        """Make reached_<table> and tally_<table> for these filed tables, which are typed by now."""
        asked = asked_near(standard, judging_order(standard, filed))
        for table in self._made - self._files.keys():
            _show_all(con, standard.tables[table])
            self._give_up_turn(table)
        self._made &= self._files.keys()
        for table in self._files.keys() & asked:
            spec, files = standard.tables[table], self._files[table]
            self._give_up_turn(table)
            _keep_indexed(spec, files)
            self._turns[table] = shared(home().near_readers(table))
            _show_near(con, standard, spec, files)
            self._made.add(table)

    def _give_up_turn(self, table: str) -> None:
        """What was looked up for the filing before is over: as long as it is not, nothing there is tidied."""
        if table in self._turns:
            self._turns.pop(table).close()


def _show_near(con: duckdb.DuckDBPyConnection, standard: Standard, spec: TableSpec, files: Sequence[Path]) -> None:
    runs, shown, beside = _looked_up(spec, files)
    order = {file: place for place, file in enumerate(files)}
    reached = _Reached(con, standard, spec, runs, shown, beside)
    found = sorted(reached.files(), key=order.__getitem__)
    _replace(con, f"reached_{spec.table}", "table", f"({_nothing(spec)}) {reached.rows(found)}")
    if spec.tally:
        _show_tally(con, spec, runs, shown, beside)


def _show_all(con: duckdb.DuckDBPyConnection, spec: TableSpec) -> None:
    for name in (f"reached_{spec.table}", f"tally_{spec.table}"):
        work_database.drop_relation(con, name)
    show_plainly(con, spec)


def _looked_up(spec: TableSpec, files: Sequence[Path]) -> tuple[list[Run], dict[Mark, int], list[Path]]:
    """The runs, which of them shows each file that any stands for (by its place), and the files that none does."""
    runs = runs_of(spec)
    shown, beside = shown_by([run.marks for run in runs], map(Mark.of, files))
    return runs, shown, [mark.file for mark in beside]


def _keep_indexed(spec: TableSpec, files: Sequence[Path]) -> None:
    """Index what is not, once it is too much to be read for every filing."""
    *_, beside = _looked_up(spec, files)
    if sum(file.stat().st_size for file in beside) <= NOT_INDEXED_BYTES:
        return
    try:
        index(spec, beside)
    except (OSError, duckdb.Error) as error:
        # a home that may only be read, or a full disk: what the index would save is read instead
        log.warning("accepted %s not indexed: %s", spec.table, type(error).__name__)


class _Reached:
    """Looks up what is filed, field by field; the values sought stand in the work database meanwhile."""

    def __init__(
        self,
        con: duckdb.DuckDBPyConnection,
        standard: Standard,
        spec: TableSpec,
        runs: Sequence[Run],
        shown: dict[Mark, int],
        beside: Sequence[Path],
    ) -> None:
        self._con, self._standard, self._spec = con, standard, spec
        self._runs, self._shown, self._beside = runs, shown, list(beside)

    def files(self) -> set[Path]:
        """The files that hold what is sought, those beside the index among them."""
        found: set[Path] = set(self._beside)
        for place, field in enumerate(self._spec.near_by):
            held = self._look_up(field, self._values(field, self._spec.near_by[:place], found))
            found |= held
        return found

    def rows(self, files: Sequence[Path]) -> str:
        """SQL that adds the rows of these files that are reached to a query of the table's columns."""
        if not files:
            return ""
        sought = " or ".join(f"{quoted(field)} in (from {_sought(field)})" for field in self._spec.near_by)
        return f"union all by name select * from {read_files(files)} where {sought}"

    def _values(self, field: str, earlier: Sequence[str], found: Iterable[Path]) -> pa.Table:
        """The field's values as filed, and those of rows that an earlier field has reached, each with its hash."""
        value = quoted(field)
        sources = [
            f"select {value} from filed_{other.table}"
            for other in self._standard.tables.values()
            if field in other.by_name
        ]
        files = list(found)
        if files and earlier:
            reached = " or ".join(f"{quoted(name)} in (from {_sought(name)})" for name in earlier)
            sources.append(f"select {value} from {read_files(files)} where {reached}")
        return self._con.sql(
            f"select {value} as value, {hash_of(field, value)} as hash "
            f"from (select distinct {value} from ({' union all '.join(sources)})) where {value} is not null"
        ).to_arrow_table()

    def _look_up(self, field: str, values: pa.Table) -> set[Path]:
        hashes: Hashes = np.sort(values["hash"].to_numpy())
        marks: set[Mark] = set()
        known = [np.empty(0, np.uint64)]
        for place, run in enumerate(self._runs):
            held, owners = run.look_up(hashes)
            known.append(held)
            marks |= {mark for mark in owners if self._shown.get(mark) == place}
        if not self._beside:  # what no run holds is nowhere
            values = values.filter(pc.is_in(values["hash"], pa.array(np.concatenate(known))))
        self._con.register("sought_values", values)
        self._con.execute(f"create or replace temp table {_sought(field)} as select value from sought_values")
        self._con.unregister("sought_values")
        return {mark.file for mark in marks}


def _sought(field: str) -> str:
    return quoted(f"sought {field}")


def _show_tally(
    con: duckdb.DuckDBPyConnection, spec: TableSpec, runs: Sequence[Run], shown: dict[Mark, int], beside: Sequence[Path]
) -> None:
    """Of a run's tally those rows count whose file it shows: it may also stand for files out of force, or changed."""
    assert spec.tally is not None
    places = [(place, mark.filing_id) for mark, place in shown.items()]
    con.register("places", pa.table({"run": [place for place, _ in places], "filing_id": [name for _, name in places]}))
    con.execute(f"create or replace table tallied_{spec.table} as from places")
    con.unregister("places")
    plain = tally_of(spec.tally, f"({_nothing(spec)})")
    parts = [f"from ({plain})"]
    if beside:
        parts.append(f"from ({tally_of(spec.tally, f'(select * from {read_files(beside)})')})")
    parts += [
        f"from {read_files([run.tally])} where filing_id in "
        f"(select filing_id from tallied_{spec.table} where run = {place})"
        for place, run in enumerate(runs)
    ]
    _replace(con, f"tally_{spec.table}", "view", " union all by name ".join(parts))


def _nothing(spec: TableSpec) -> str:
    """A query of the table's columns without a row: what was accepted under an older standard lacks the later ones."""
    return f"select * from accepted_{spec.table} limit 0"


def _replace(con: duckdb.DuckDBPyConnection, name: str, kind: str, query: str) -> None:
    work_database.drop_relation(con, name)
    con.execute(f"create {kind} {name} as {query}")
