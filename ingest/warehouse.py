"""The warehouse: registry and registers exported as Parquet, then ONE dbt build into a new file, swapped in when whole.

The new file is a copy of the one that stands, brought up to date, or is made from nothing (docs/adr/0031).

Readers of the old file are never disturbed, and a build on unchanged input is not run again.
"""

import datetime
import hashlib
import importlib.metadata
import shutil
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from expectations.spec import load_standard
from ingest import dbt, registry, registry_tables, telemetry
from ingest.accept import write_empty_tables
from ingest.config import PROJECT_DIR
from ingest.dbt import DBT_PROJECT, database_being_built
from ingest.errors import StorageError
from ingest.paths import bring_to_disk, exclusive, home, remove_temporaries, temporary_beside, write_bytes, write_text
from ingest.plan_steps import Kind
from ingest.quality_exports import obligations_table, rules_table, warnings_table
from ingest.register import (
    REGISTER_DIR,
    eligibility,
    institution_names,
    institutions,
    operators_files,
)
from ingest.update import can_be_updated, write_basis

DISCLOSURE_FILES = sorted((PROJECT_DIR / "ingest" / "disclosure").glob("*.yml"))
"""What is public is declared there: it makes the warehouse as much as the models do."""

_FILINGS = pa.schema(
    [
        ("filing_id", pa.string()),
        ("institution_id", pa.string()),
        ("subject_id", pa.string()),
        ("period", pa.string()),
        ("sequence", pa.int64()),
        ("kind", pa.string()),
        ("replaces", pa.string()),
        ("sha256", pa.string()),
        ("standard_version", pa.string()),
        ("standard_sha256", pa.string()),
        ("received_at", pa.timestamp("us")),
        ("decided_at", pa.timestamp("us")),
        ("verdict", pa.string()),
        ("state", pa.string()),
        ("known_from", pa.timestamp("us")),
        ("known_to", pa.timestamp("us")),
        ("rows_filed", pa.int64()),
        ("rows_accepted", pa.int64()),
        ("rows_held", pa.int64()),
        ("principal_filed_cny", pa.decimal128(38, 2)),
        ("principal_accepted_cny", pa.decimal128(38, 2)),
        ("principal_held_cny", pa.decimal128(38, 2)),
        ("is_demo", pa.bool_()),
    ]
)
_RULE_RESULTS = pa.schema(
    [
        ("filing_id", pa.string()),
        ("table_name", pa.string()),
        ("rule_id", pa.string()),
        ("severity", pa.string()),
        ("category", pa.string()),
        ("rows_judged", pa.int64()),
        ("violations", pa.int64()),
    ]
)
_COMPLETENESS = pa.schema(
    [
        ("filing_id", pa.string()),
        ("table_name", pa.string()),
        ("field_name", pa.string()),
        ("rows_filed", pa.int64()),
        ("asked_count", pa.int64()),
        ("nd1_count", pa.int64()),
        ("nd2_4_count", pa.int64()),
        ("nd5_count", pa.int64()),
        ("hidden_count", pa.int64()),
        ("blank_count", pa.int64()),
        ("unexplained_count", pa.int64()),
    ]
)
_CODE_LISTS = pa.schema(
    [("list", pa.string()), ("code", pa.string()), ("zh", pa.string()), ("en", pa.string()), ("parent", pa.string())]
)
_PARAMETERS = pa.schema([("parameter", pa.string()), ("value", pa.string()), ("unit", pa.string())])


def build() -> str:
    """Bring the warehouse up to date with what was decided; return the database's path.

    Raises:
        StorageError: the build failed; the log that it names tells where. The old warehouse stays as it was.
    """
    with telemetry.work("build"), exclusive(home().warehouse_turn):
        for folder in (home().warehouse.parent, home().operations):
            remove_temporaries(folder)
        return _build()


def _build() -> str:
    inputs = inputs_digest()  # before the export: what is decided meanwhile makes the next build
    with telemetry.step("export"):
        export_operations()
        write_empty_tables(load_standard())
    target = home().warehouse
    if target.exists() and _built_from() == inputs:
        return str(target)
    being_built = database_being_built(home())
    being_built.parent.mkdir(parents=True, exist_ok=True)
    try:
        with telemetry.step("dbt"):
            manifest = _update_or_rebuild(being_built)
            telemetry.dbt_build(DBT_PROJECT, manifest.parent)
        with telemetry.step("public_tables"):
            _write_public(being_built, inputs)
        write_bytes(home().warehouse_manifest, manifest.read_bytes())
        being_built.replace(target)
    finally:
        being_built.unlink(missing_ok=True)
    write_text(_inputs_file(), inputs + "\n")
    telemetry.reads(*(f"accepted/{table}" for table in load_standard().tables))
    telemetry.writes(telemetry.Dataset("warehouse", version=inputs))
    return str(target)


def _update_or_rebuild(being_built: Path) -> Path:
    """Make the database, from the one that stands if that can be brought up to date; return dbt's manifest."""
    basis = basis_digest()
    if can_be_updated(home().warehouse, home().operations / "filings.parquet", basis):
        with suppress(StorageError, OSError, duckdb.Error):  # a database that is damaged somewhere is made anew
            shutil.copyfile(home().warehouse, being_built)
            # while the models are made, or the first of them to be written out waits until the disk has the copy
            Thread(target=_copy_to_disk, args=(being_built,), daemon=True).start()
            return dbt.build(Kind.update, compiled_by())
    being_built.unlink(missing_ok=True)
    manifest = dbt.build(Kind.whole, compiled_by())
    write_basis(being_built, basis)
    return manifest


def _copy_to_disk(being_built: Path) -> None:
    with suppress(OSError):  # the build itself tells of a disk that is full or gone
        bring_to_disk(being_built)


def is_current() -> bool:
    """Whether the warehouse holds everything that was decided."""
    return home().warehouse.exists() and _built_from() == inputs_digest()


def inputs_digest() -> str:
    """What the warehouse is made from, as one digest."""
    return hashlib.sha256("".join(input_digests().values()).encode()).hexdigest()


def input_digests() -> dict[str, str]:
    """What the warehouse is made from, one digest a kind: the standard, all decisions, the registers, the models."""
    history = hashlib.sha256()
    for line in _history_lines():
        history.update(line.encode())
    basis = _basis_digests()
    return {"standard": basis.pop("standard"), "filings": history.hexdigest(), **basis}


def _basis_digests() -> dict[str, str]:
    return {
        "standard": load_standard().sha256,
        "registers": _files_digest([*REGISTER_DIR.glob("*.csv"), *operators_files()]),
        "models": _files_digest([*_model_files(), *DISCLOSURE_FILES]),
    }


def basis_digest() -> str:
    """What the tables are made by: while it is the same, new filings can be added to a warehouse that stands."""
    return hashlib.sha256(f"{compiled_by()}\n{_basis_digests()['registers']}".encode()).hexdigest()


def compiled_by() -> str:
    """What dbt's statements follow from, whatever the home: standard, models, and who compiles and runs them."""
    basis = _basis_digests()
    versions = [f"{name} {importlib.metadata.version(name)}" for name in ("duckdb", "dbt-core", "dbt-duckdb")]
    return hashlib.sha256("\n".join([basis["standard"], basis["models"], *versions]).encode()).hexdigest()


def _files_digest(paths: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in sorted(paths):
        digest.update(f"{path.name}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def _history_lines() -> Iterable[str]:
    for row in registry.rows_of(registry_tables.states):
        yield f"{row['filing_id']}\0{row['state']}\0{row['at']}\n"


def _model_files() -> list[Path]:
    folders = ("models", "macros", "seeds", "tests")
    files = [path for folder in folders for path in (DBT_PROJECT / folder).rglob("*") if path.is_file()]
    return [*files, DBT_PROJECT / "dbt_project.yml"]  # its variables are formulas too


def _inputs_file() -> Path:
    return home().warehouse.with_suffix(".inputs")


def _built_from() -> str | None:
    return _inputs_file().read_text().strip() if _inputs_file().exists() else None


def export_operations() -> None:
    """Write what dbt needs of registry and registers into the operations zone, each file whole."""
    demo = {row["institution_id"] for row in institutions().to_pylist() if row["is_demo"]}
    codes = [
        {"list": name, "code": code.code, "zh": code.zh, "en": code.en, "parent": code.parent or None}
        for name, entries in load_standard().codes.items()
        for code in entries
    ]
    parameters = [
        {"parameter": name, "value": parameter.value, "unit": parameter.unit}
        for name, parameter in load_standard().head.parameters.items()
    ]
    _export("filings", pa.Table.from_pylist(list(filing_facts(demo)), schema=_FILINGS))
    _export("rule_results", pa.Table.from_pylist(registry.rows_of(registry_tables.rule_results), schema=_RULE_RESULTS))
    _export("completeness", pa.Table.from_pylist(registry.rows_of(registry_tables.completeness), schema=_COMPLETENESS))
    _export("institutions", institutions())
    _export("institution_names", institution_names())
    _export("eligibility", eligibility())
    _export("code_lists", pa.Table.from_pylist(codes, schema=_CODE_LISTS))
    _export("parameters", pa.Table.from_pylist(parameters, schema=_PARAMETERS))
    _export("obligations", obligations_table())
    _export("rules", rules_table(load_standard()))
    _export("warnings", warnings_table(load_standard()))


def filing_facts(demo: set[str]) -> Iterable[dict[str, Any]]:
    """One row per filing: what it is, what was decided and when it was in force."""
    decided = {row["filing_id"]: row for row in registry.rows_of(registry_tables.decisions)}
    history: dict[str, list[dict[str, Any]]] = {}
    for row in registry.rows_of(registry_tables.states):
        history.setdefault(row["filing_id"], []).append(row)
    for record in registry.all_filings():
        times = {row["state"]: row["at"] for row in history[record.filing_id]}
        decision: Mapping[str, Any] = decided.get(record.filing_id, {})
        verdict = decision.get("verdict") or ("error" if record.state == "error" else None)
        facts = {name: getattr(record, name) for name in _FILINGS.names if hasattr(record, name)}
        yield facts | {
            "standard_version": decision.get("standard_version"),
            "standard_sha256": decision.get("standard_sha256"),
            "decided_at": times.get(verdict) if verdict else None,
            "verdict": verdict,
            "known_from": _first(times, registry.IN_FORCE),
            "known_to": _first(times, registry.OUT_OF_FORCE),
            "rows_filed": decision.get("rows_filed", 0),
            "rows_accepted": decision.get("rows_accepted", 0),
            "rows_held": decision.get("rows_held", 0),
            "principal_filed_cny": decision.get("principal_filed_cny", 0),
            "principal_accepted_cny": decision.get("principal_accepted_cny", 0),
            "principal_held_cny": decision.get("principal_held_cny", 0),
            "is_demo": record.institution_id in demo,
        }


def _first(times: Mapping[str, datetime.datetime], wanted: Iterable[str]) -> datetime.datetime | None:
    return next((times[state] for state in wanted if state in times), None)


def _export(name: str, table: pa.Table) -> None:
    target = home().operations / f"{name}.parquet"
    temporary = temporary_beside(target)
    pq.write_table(table, temporary, compression="zstd")
    temporary.replace(target)


def _write_public(database: Path, inputs: str) -> None:
    """Add what the public may see. Not dbt's: it needs earlier releases, and a solver."""
    from ingest.disclosure import write_public  # reads releases, which read this module

    write_public(database, load_standard(), inputs)
