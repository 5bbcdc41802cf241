"""The warehouse: registry and registers exported as Parquet, then ONE dbt build into a new file, swapped in when whole.

Readers of the old file are never disturbed, and a build on unchanged input is not run again.
"""

import datetime
import hashlib
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from expectations.spec import load_standard
from ingest import registry, registry_tables, telemetry
from ingest.accept import write_empty_tables
from ingest.config import PROJECT_DIR
from ingest.errors import StorageError
from ingest.paths import exclusive, home, remove_temporaries, temporary_beside, write_bytes, write_text
from ingest.quality_exports import obligations_table, rules_table, warnings_table
from ingest.register import (
    REGISTER_DIR,
    eligibility,
    institution_names,
    institutions,
    operators_files,
)

DBT_PROJECT = PROJECT_DIR / "dbt_project"
DATABASE_NAME = "npl"
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
    temporary = temporary_beside(target)
    try:
        with telemetry.step("dbt"):
            manifest = _dbt_build(temporary)
            telemetry.dbt_build(DBT_PROJECT, manifest.parent)
        with telemetry.step("public_tables"):
            _write_public(temporary, inputs)
        write_bytes(home().warehouse_manifest, manifest.read_bytes())
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
    write_text(_inputs_file(), inputs + "\n")
    telemetry.reads(*(f"accepted/{table}" for table in load_standard().tables))
    telemetry.writes(telemetry.Dataset("warehouse", version=inputs))
    return str(target)


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
    return {
        "standard": load_standard().sha256,
        "filings": history.hexdigest(),
        "registers": _files_digest([*REGISTER_DIR.glob("*.csv"), *operators_files()]),
        "models": _files_digest([*_model_files(), *DISCLOSURE_FILES]),
    }


def _files_digest(paths: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for path in sorted(paths):
        digest.update(f"{path.name}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def _history_lines() -> Iterable[str]:
    for row in registry.rows_of(registry_tables.states):
        yield f"{row['filing_id']}\0{row['state']}\0{row['at']}\n"


def _model_files() -> list[Path]:
    return [
        path
        for folder in ("models", "macros", "seeds", "tests")
        for path in (DBT_PROJECT / folder).rglob("*")
        if path.is_file()
    ]


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


def _dbt_build(database: Path) -> Path:
    """Run `dbt build` in a process of its own: dbt keeps global state, and a task must not inherit another's.

    Returns dbt's manifest of this build.
    """
    log = home().logs / "dbt_build.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    work = home().work / "dbt"
    environment = os.environ | {
        "NPL_HOME": str(home().root),
        "NPL_WAREHOUSE": str(database),
        "DBT_TARGET_PATH": str(work / "target"),
        "DBT_LOG_PATH": str(home().logs / "dbt"),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DO_NOT_TRACK": "1",
    }
    command = [
        sys.executable,
        "-c",
        "from dbt.cli.main import cli; cli()",
        "build",
        # unit tests prove the models' formulas, not today's data: the project's own tests run them
        "--exclude-resource-type",
        "unit_test",
        "--project-dir",
        str(DBT_PROJECT),
        "--profiles-dir",
        str(DBT_PROJECT),
        "--no-use-colors",
    ]
    with log.open("wb") as output:
        finished = subprocess.run(
            command, env=environment, stdout=output, stderr=subprocess.STDOUT, cwd=PROJECT_DIR, check=False
        )
    if finished.returncode:
        raise StorageError(f"市场表构建失败，详见 {log}", f"Building the market tables failed; see {log}")
    return work / "target" / "manifest.json"
