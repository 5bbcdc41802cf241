"""The filings in force and their accepted rows, followed by a worker that decides many filings one after the other.

Both grow with history, and between two filings hardly anything of them changes: what came in since is read from the end
of the log, and only its rows are read.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import sqlalchemy as sa

from expectations import work_database
from expectations.compile import sql_list
from expectations.near import reads_whole
from expectations.spec import Standard, TableSpec
from ingest import registry
from ingest.near import NearRows
from ingest.registry_tables import decisions, filings, log_entries
from ingest.workbench import READ_ONCE_BYTES, accepted_files, add_accepted, show_accepted


class FilingsInForce:
    """The registry's filings in force, read once and then followed along the log."""

    def __init__(self) -> None:
        self._last: tuple[int, str] | None = None
        # by folder and digest of what was filed: of what was decided on the same bytes only the last counts
        self._records: dict[tuple[str, str], registry.FilingRecord] = {}
        self._bytes: dict[str, tuple[str, str]] = {}
        self._in_order: list[registry.FilingRecord] = []

    def now(self) -> list[registry.FilingRecord]:
        """What `registry.in_force` returns, at the cost of what was decided since this was last asked."""
        entries = _decided_from(self._last[0] if self._last else 0)
        if self._last is not None:
            if not entries or (entries[0].position, entries[0].leaf) != self._last:
                # it is another log than the one followed so far: somebody has restored a registry
                self._records.clear()
                self._bytes.clear()
                self._in_order = []
                entries = _decided_from(0)
            else:
                del entries[0]
        for entry in entries:
            self._take(entry)
        if entries:
            self._in_order = sorted(self._records.values(), key=lambda each: (each.received_at, each.filing_id))
        return self._in_order

    def _take(self, entry: Any) -> None:
        columns = dict(entry._mapping)
        self._last = columns.pop("position"), columns.pop("leaf")
        record = registry.FilingRecord(**columns)
        filed = self._bytes[record.filing_id] = record.folder, record.sha256
        self._records.pop(filed, None)
        if record.state not in registry.IN_FORCE:
            return
        if record.kind in ("correction", "withdrawal") and record.replaces in self._bytes:
            self._records.pop(self._bytes[record.replaces], None)
        self._records[filed] = record


def _decided_from(position: int) -> list[Any]:
    query = (
        sa.select(log_entries.c.position, log_entries.c.leaf, filings, decisions.c.verdict.label("state"))
        .join(filings, filings.c.filing_id == log_entries.c.filing_id)
        .join(decisions, decisions.c.filing_id == log_entries.c.filing_id)
        .where(log_entries.c.position >= position)
        .order_by(log_entries.c.position)
    )
    with registry.transaction() as connection:
        return list(connection.execute(query))


class Followed:
    """What is in force, for a work database that is kept: nobody else may touch its accepted_<table>."""

    def __init__(self) -> None:
        self._filings = FilingsInForce()
        self._files: dict[tuple[str, str], Path | None] = {}  # of a table of a filing; it is there before the verdict
        self._shown: dict[str, list[str]] = {}
        self._bytes: dict[str, int | None] = {}  # read into accepted_<table>; None where it does not hold all rows
        self._near = NearRows()

    def now(self) -> list[registry.FilingRecord]:
        """The filings in force, oldest first."""
        return self._filings.now()

    def show(self, con: duckdb.DuckDBPyConnection, standard: Standard, others: list[registry.FilingRecord]) -> None:
        """Make accepted_<table> of every table hold the rows of these filings, in their order."""
        for spec in standard.tables.values():
            files = {each.filing_id: file for each in others if (file := self._file(spec.table, each)) is not None}
            if list(files) != self._shown.get(spec.table, []):
                self._change(con, standard, spec, files)
                self._shown[spec.table] = list(files)

    def _file(self, table: str, record: registry.FilingRecord) -> Path | None:
        place = table, record.filing_id
        if place not in self._files:
            self._files[place] = next(iter(accepted_files(table, [record])), None)
        return self._files[place]

    def reach(self, con: duckdb.DuckDBPyConnection, standard: Standard, filed: Sequence[str]) -> None:
        """What is near a filing whose tables are typed, of the rows that are too many to be shown."""
        self._near.reach(con, standard, filed)

    def _change(
        self, con: duckdb.DuckDBPyConnection, standard: Standard, spec: TableSpec, files: dict[str, Path]
    ) -> None:
        table = spec.table
        is_left = self._near.takes(spec, list(files.values())) and not reads_whole(standard, table)
        shown = self._shown.get(table, [])
        were_shown = set(shown)
        added = [filing_id for filing_id in files if filing_id not in were_shown]
        held = self._bytes.get(table)
        if held is not None:
            held += sum(files[filing_id].stat().st_size for filing_id in added)
        if is_left or held is None or held > READ_ONCE_BYTES:
            work_database.drop_relation(con, f"accepted_{table}")
            read = show_accepted(con, spec, [] if is_left else list(files.values()))
            self._bytes[table] = None if is_left else read
            return
        self._bytes[table] = held
        kept = [filing_id for filing_id in shown if filing_id in files]
        if len(kept) < len(shown):
            con.execute(f"delete from accepted_{table} where filing_id not in (select unnest({sql_list(kept)}))")
        if added:
            add_accepted(con, spec, [files[filing_id] for filing_id in added])
        if kept + added != list(files):
            _put_in_order(con, table, files)


def _put_in_order(con: duckdb.DuckDBPyConnection, table: str, filing_ids: Iterable[str]) -> None:
    """Order the accepted rows as their filings were received: some rules tell the first of several that they find."""
    listed = list(filing_ids)
    con.register("in_order", pa.table({"filing_id": listed, "place": range(len(listed))}))
    con.execute(f"""
        create or replace table accepted_{table} as
        select accepted.* from accepted_{table} as accepted join in_order using (filing_id)
        order by place, row_number""")
    con.unregister("in_order")
