"""Everything that the rules may look at, put into a filing's work database."""

from collections.abc import Mapping
from typing import Any

import duckdb
import pyarrow as pa

from expectations import engine
from expectations.compile import sql_text
from expectations.spec import FILING_TABLE, Standard, StandardError, TableSpec, load_standard
from ingest import registry
from ingest.history import unanswered
from ingest.manifest import Manifest, period_bounds
from ingest.paths import home
from ingest.read import FiledContent, FiledTable
from ingest.register import eligibility, institution, institution_names, institutions

REGISTERS = {
    "register_institutions": institutions,
    "register_names": institution_names,
    "register_eligibility": eligibility,
}
READ_ONCE_BYTES = 64 * 1024 * 1024


def fill(con: duckdb.DuckDBPyConnection, standard: Standard, content: FiledContent, folder: str, sha256: str) -> None:
    """Registers, the filing's rows as text, its context, and what is in force now."""
    manifest = content.manifest
    for name, shape in standard.head.references.items():
        if name in REGISTERS and name not in standard.registers:
            register = REGISTERS[name]()
            if unknown := [column for column in shape if column not in register.column_names]:
                raise StandardError(f"references: {name} has no column {', '.join(unknown)}")
            con.register("reference", register)
            con.execute(f"create table {name} as select {', '.join(shape)} from reference")
            con.unregister("reference")
    for filed in content.tables:
        engine.load_rows(con, filed.table, filed.rows)
    compare_with_in_force(con, standard, content, folder, sha256)
    first, last = period_bounds(manifest.period)
    filer = institution(manifest.institution)
    engine.prepare(
        con,
        standard,
        {
            "filing_institution": manifest.institution,
            "filing_institution_name": filer["name_zh"] if filer else None,
            "filing_subject": manifest.about,
            "filing_period_start": first.isoformat(),
            "filing_period_end": last.isoformat(),
        },
    )


def compare_with_in_force(
    con: duckdb.DuckDBPyConnection, standard: Standard, content: FiledContent, folder: str, sha256: str
) -> None:
    """Make anew what depends on other filings: the accepted rows, and the filing's own rows as a filing."""
    manifest = content.manifest
    ours = is_platforms_own(standard)
    # the same bytes filed already are this very filing: it is not compared with itself
    in_force = [each for each in registry.in_force() if each.sha256 != sha256] if ours else []
    replaced = registry.find(manifest.replaces) if manifest.replaces and ours else None
    if replaced is not None and replaced.institution_id != manifest.institution:
        replaced = None  # whatever it says: another institution's filing is nothing that it may replace
    present = engine.relations(con)
    others = [each for each in in_force if replaced is None or each.filing_id != replaced.filing_id]
    for spec in standard.tables.values():
        if f"accepted_{spec.table}" in present:
            engine.drop_relation(con, f"accepted_{spec.table}")
        _accepted_rows(con, spec, others)
    if FILING_TABLE in standard.all_tables:
        engine.load_rows(con, FILING_TABLE, _filing_rows(standard, content, folder, others, replaced))


def is_platforms_own(standard: Standard) -> bool:
    """Whether earlier filings are filings under this standard: what was accepted under another is never looked at."""
    return standard.head.name == load_standard().head.name


def _accepted_rows(con: duckdb.DuckDBPyConnection, spec: TableSpec, in_force: list[registry.FilingRecord]) -> None:
    zones = home()
    files = [
        zones.parquet(zones.accepted, spec.table, each.period or "", each.institution_id, each.filing_id)
        for each in in_force
    ]
    present = [file for file in files if file.exists()]
    if not present:
        con.execute(f"create table accepted_{spec.table} ({engine.accepted_ddl(spec)})")
        return
    listed = ", ".join(sql_text(str(file)) for file in present)
    # every rule across filings would open every file again: what is small is read once
    kind = "table" if sum(file.stat().st_size for file in present) <= READ_ONCE_BYTES else "view"
    con.execute(f"create or replace table no_{spec.table} ({engine.accepted_ddl(spec)})")
    # rows accepted under an older standard lack the columns that came later
    con.execute(
        f"create {kind} accepted_{spec.table} as select * from no_{spec.table} union all by name "
        f"select * from read_parquet([{listed}], hive_partitioning = false, union_by_name = true)"
    )


def _filing_rows(
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
