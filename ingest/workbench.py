"""Everything that the rules may look at, put into a filing's work database."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import duckdb
import pyarrow as pa

from expectations import work_database
from expectations.compile import column_names, quoted
from expectations.near import reads_whole
from expectations.spec import FILING_TABLE, Standard, StandardError, TableSpec, load_standard
from ingest import registry
from ingest.accepted_files import read_files
from ingest.gathered import rows_of
from ingest.history import unanswered
from ingest.manifest import Manifest, period_bounds
from ingest.near import NearRows
from ingest.paths import home
from ingest.read import FiledContent, FiledTable, StoredRows
from ingest.redecisions import present, state_without
from ingest.register import eligibility, institution, institution_names, institutions

REGISTERS = {
    "register_institutions": institutions,
    "register_names": institution_names,
    "register_eligibility": eligibility,
}
READ_ONCE_BYTES = 64 * 1024 * 1024


class InForce(Protocol):
    """What is in force: its filings, and how their accepted rows come into a work database."""

    def now(self) -> list[registry.FilingRecord]:
        """The filings in force, oldest first."""

    def show(self, con: duckdb.DuckDBPyConnection, standard: Standard, others: list[registry.FilingRecord]) -> None:
        """Make accepted_<table> of every table hold the rows of these filings, in their order.

        Of a table with `near_by` of which there is much, it may stay empty where no rule asks for it.
        """

    def reach(self, con: duckdb.DuckDBPyConnection, standard: Standard, filed: Sequence[str]) -> None:
        """Once the filed tables are typed: what is near them of the rows that were not shown."""


class ReadAnew:
    """What is in force, asked and read for one filing."""

    def __init__(self) -> None:
        self._near = NearRows()

    def now(self) -> list[registry.FilingRecord]:
        return registry.in_force()

    def show(self, con: duckdb.DuckDBPyConnection, standard: Standard, others: list[registry.FilingRecord]) -> None:
        present = work_database.relations(con)
        for spec in standard.tables.values():
            if f"accepted_{spec.table}" in present:
                work_database.drop_relation(con, f"accepted_{spec.table}")
            files = accepted_files(spec.table, others)
            is_left = self._near.takes(spec, files) and not reads_whole(standard, spec.table)
            show_accepted(con, spec, [] if is_left else files)

    def reach(self, con: duckdb.DuckDBPyConnection, standard: Standard, filed: Sequence[str]) -> None:
        self._near.reach(con, standard, filed)


def fill(
    con: duckdb.DuckDBPyConnection,
    standard: Standard,
    content: FiledContent,
    folder: str,
    sha256: str,
    in_force_now: InForce,
) -> None:
    """Registers, the filing's rows as text, its context, and what is in force now."""
    put_registers(con, standard)
    for filed in content.tables:
        if isinstance(filed.rows, StoredRows):
            con.execute(f"create view raw_{filed.table} as {filed.rows.sql}")
        else:
            work_database.load_rows(con, filed.table, filed.rows)
    compare_with_in_force(con, standard, content, folder, sha256, in_force_now)
    work_database.prepare(con, standard, context_of(content.manifest))


def registers_of(standard: Standard) -> list[pa.Table]:
    """The program's registers that the rules of this standard look at, as this process has read them."""
    return [REGISTERS[name]() for name in _register_names(standard)]


def put_registers(con: duckdb.DuckDBPyConnection, standard: Standard) -> None:
    """Make the tables of the registers that come with the program."""
    for name, register in zip(_register_names(standard), registers_of(standard), strict=True):
        shape = standard.head.references[name]
        if unknown := [column for column in shape if column not in register.column_names]:
            raise StandardError(f"references: {name} has no column {', '.join(unknown)}")
        con.register("reference", register)
        con.execute(f"create table {name} as select {', '.join(shape)} from reference")
        con.unregister("reference")


def _register_names(standard: Standard) -> list[str]:
    return [name for name in standard.head.references if name in REGISTERS and name not in standard.registers]


def context_of(manifest: Manifest) -> dict[str, str | None]:
    """What is known of the whole filing, as the standard's context names it."""
    first, last = period_bounds(manifest.period)
    filer = institution(manifest.institution)
    return {
        "filing_institution": manifest.institution,
        "filing_institution_name": filer["name_zh"] if filer else None,
        "filing_subject": manifest.about,
        "filing_period_start": first.isoformat(),
        "filing_period_end": last.isoformat(),
    }


def compare_with_in_force(
    con: duckdb.DuckDBPyConnection,
    standard: Standard,
    content: FiledContent,
    folder: str,
    sha256: str,
    in_force_now: InForce,
) -> None:
    """Make anew what depends on other filings: the accepted rows, and the filing's own rows as a filing."""
    others, replaced = beside(standard, content.manifest, sha256, in_force_now)
    in_force_now.show(con, standard, others)
    if FILING_TABLE in standard.all_tables:
        work_database.load_rows(con, FILING_TABLE, filing_rows(standard, content, folder, others, replaced))


def beside(
    standard: Standard, manifest: Manifest, sha256: str, in_force_now: InForce
) -> tuple[list[registry.FilingRecord], registry.FilingRecord | None]:
    """The filings in force that a filing is compared with, and the one that it replaces, which is none of them."""
    if not is_platforms_own(standard):
        return [], None
    # the same bytes filed already are this very filing: it is not compared with itself
    in_force = [each for each in in_force_now.now() if each.sha256 != sha256]
    replaced = _replaced(manifest, sha256)
    return [each for each in in_force if replaced is None or each.filing_id != replaced.filing_id], replaced


def _replaced(manifest: Manifest, sha256: str) -> registry.FilingRecord | None:
    """The filing of the same institution that this one names, as it stands now and without what this one did to it."""
    named = registry.find(manifest.replaces) if manifest.replaces else None
    if named is None or named.institution_id != manifest.institution:
        return None  # whatever it says: another institution's filing is nothing that it may replace
    latest = present(named)
    return replace(latest, state=state_without(latest, sha256))


def is_platforms_own(standard: Standard) -> bool:
    """Whether earlier filings are filings under this standard: what was accepted under another is never looked at."""
    return standard.head.name == load_standard().head.name


def accepted_files(table: str, in_force: Iterable[registry.FilingRecord]) -> list[Path]:
    """The files of one table's accepted rows, in the order of these filings; hardly one carries every table."""
    zones = home()
    files = (
        zones.parquet(zones.accepted, table, each.period or "", each.institution_id, each.filing_id)
        for each in in_force
    )
    return [file for file in files if file.exists()]


def show_accepted(con: duckdb.DuckDBPyConnection, spec: TableSpec, files: Sequence[Path]) -> int | None:
    """Make accepted_<table> of these files; there is none yet. Return the bytes read into it, None if it is a view."""
    table, shape = f"accepted_{spec.table}", work_database.accepted_ddl(spec)
    if not files:
        con.execute(f"create table {table} ({shape})")
        return 0
    with rows_of(spec.table, files) as rows:
        if rows.bytes <= READ_ONCE_BYTES:  # every rule across filings would open every file again
            con.execute(f"create table {table} ({shape})")
            _add(con, table, rows.sql)
            return rows.bytes
    con.execute(f"create or replace table no_{spec.table} ({shape})")
    con.execute(f"create view {table} as from no_{spec.table} union all by name from {read_files(files)}")
    return None


def add_accepted(con: duckdb.DuckDBPyConnection, spec: TableSpec, files: Sequence[Path]) -> None:
    """Add the rows of these few files to the table accepted_<table>."""
    _add(con, f"accepted_{spec.table}", read_files(files))


def _add(con: duckdb.DuckDBPyConnection, table: str, rows: str) -> None:
    """Rows accepted under an older standard lack the columns that came later."""
    columns = ", ".join(quoted(name) for name in column_names(con, table))
    con.execute(
        f"insert into {table} "
        f"select {columns} from (select * from (from {table} limit 0) union all by name from {rows})"
    )


def filing_rows(
    standard: Standard,
    content: FiledContent,
    folder: str,
    others: list[registry.FilingRecord],
    replaced: registry.FilingRecord | None,
) -> pa.Table:
    """The system table `filing`, all text: a row a filed table. `others` are in force beside what it replaces."""
    manifest = content.manifest
    waiting = unanswered(standard, manifest, folder, others)
    shared = {
        "institution": manifest.institution,
        "folder": folder,
        "subject": manifest.about,
        "period": manifest.period,
        "kind": manifest.kind,
        "replaces": manifest.replaces,
        "replaces_state": replaced.state if replaced else None,
        "replaces_kind": replaced.kind if replaced else None,
        "replaces_subject": replaced.subject_id if replaced else None,
        "replaces_period": replaced.period if replaced else None,
        "same_sequence_filing": _same_sequence(manifest, others),
        "declared_version": manifest.standard_version,
        "contact_channel": manifest.contact_channel,
        "unanswered_warnings": str(waiting.count),
        "unanswered_filing": waiting.filing_id,
        "filings_since_unanswered": str(waiting.filings_since),
    }
    declared = {entry.table: entry for entry in manifest.tables}
    rows = [shared | _table_row(standard.tables[table.table], table, declared) for table in content.tables] or [shared]
    names = [field.name for field in standard.all_tables[FILING_TABLE].fields if not field.name.startswith("held_")]
    columns = {name: pa.array([row.get(name) for row in rows], pa.string()) for name in names}
    return pa.table({"row_number": pa.array(range(1, len(rows) + 1), pa.int64()), **columns})


def _same_sequence(manifest: Manifest, others: list[registry.FilingRecord]) -> str | None:
    wanted = (manifest.institution, manifest.about, manifest.period, manifest.sequence)
    same = (
        each.filing_id
        for each in others
        if (each.institution_id, each.subject_id, each.period, each.sequence) == wanted
    )
    return next(same, None)


def _table_row(spec: TableSpec, table: FiledTable, declared: Mapping[str, Any]) -> dict[str, str | None]:
    entry = declared[table.table]
    filed = set(table.rows.column_names) - {"row_number"}
    missing = [field.zh for field in spec.fields if field.required and field.name not in filed]
    unknown = sorted(filed - set(spec.by_name))
    return {
        "file_name": table.file,
        "table_name": table.table,
        "read_rows": str(table.rows.num_rows),
        "declared_rows": None if entry.rows is None else str(entry.rows),
        "read_sha256": table.sha256,
        "declared_sha256": entry.sha256,
        "missing_columns": "、".join(missing) or None,
        "unknown_columns": "、".join(unknown) or None,
    }
