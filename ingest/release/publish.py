"""Publish: freeze the warehouse as a folder that never changes; `latest.json` moves last.

A release's id is the day of the last decision that it knows of and a digest of what it was made from: the same filings
make the same release, and publishing twice changes nothing. docs/adr/0016-release-bytes.md says which bytes are the
same when a release is made again.
"""

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from expectations.spec import load_standard
from ingest import registry, registry_tables, telemetry, warehouse
from ingest.config import PROJECT_DIR, settings
from ingest.errors import StorageError
from ingest.paths import exclusive, file_digest, home, remove_temporaries, temporary_beside, write_text
from ingest.readiness import not_filed_by
from ingest.receipts import release_log
from ingest.release.changes import write_changes
from ingest.release.describe import Table, describe
from ingest.release.descriptions import write_descriptions
from ingest.release.folder import CHECKSUMS, DATABASE, MANIFEST, as_json, list_releases, move_latest
from ingest.release.tables import content_digest, copy_tables


def publish() -> str:
    """Freeze the warehouse as a release, unless the same one exists; return its id.

    Raises:
        StorageError: there is no warehouse, or the folder cannot be written.
    """
    if not home().warehouse.exists():
        raise StorageError(
            "尚无市场库，请先运行 build_warehouse。", "There is no warehouse yet: run build_warehouse first."
        )
    # while it is read nobody swaps the warehouse, and what a killed publisher left is nobody's
    with telemetry.work("publish"), exclusive(home().warehouse_turn):
        remove_temporaries(home().releases)
        return _publish()


def _publish() -> str:
    inputs = warehouse.inputs_digest()
    states = registry.rows_of(registry_tables.states)
    as_of = max((row["at"] for row in states), default=None)
    release_id = f"{as_of:%Y-%m-%d}-{inputs[:8]}" if as_of else f"empty-{inputs[:8]}"
    target = home().release(release_id)
    if not target.exists():
        temporary = temporary_beside(target)
        temporary.mkdir()
        try:
            log_state = release_log.log_state(states[-1]["state_id"] if states else None, temporary)
            tables = _write_tables(temporary)
            manifest = {
                "release": release_id,
                "as_of": as_of.isoformat() + "Z" if as_of else None,
                "inputs_sha256": inputs,
                "inputs": warehouse.input_digests(),
                "standard": {"versions": list(load_standard().version_names), "sha256": load_standard().sha256},
                "code_commit": code_commit(),
                "log": log_state,
                **_filings(states),
                # as of the last decision, like all of a release: made again, it says the same
                "not_filed": [each.to_dict() for each in not_filed_by(as_of)] if as_of else [],
                "tables": [
                    {
                        "table": table.name,
                        "rows": table.rows,
                        "file": table.file,
                        "grain": list(table.grain),
                        "content_sha256": digest,
                    }
                    for table, digest in tables
                ],
            }
            write_descriptions(temporary, [table for table, _ in tables], manifest)
            write_text(temporary / MANIFEST, as_json(manifest | {"files": _files(temporary)}))
            # from here on: what says more than follows from the filings
            release_log.write_consistency(temporary, log_state, list_releases())
            write_changes(temporary)
            write_text(temporary / CHECKSUMS, checksums(temporary))
            temporary.rename(target)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    move_latest(release_id)
    telemetry.reads("warehouse")
    telemetry.writes(telemetry.Dataset("releases", version=release_id))
    return release_id


def checksums(folder: Path) -> str:
    """What SHA256SUMS must say of a release: `sha256sum --check` reads it."""
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return "".join(f"{file_digest(folder / name)}  {name}\n" for name in names if name != CHECKSUMS)


def _write_tables(folder: Path) -> list[tuple[Table, str]]:
    """Every table, described, with the digest of its rows."""
    bounds = {"memory_limit": settings().warehouse_memory_limit, "temp_directory": str(home().work / "spill")}
    with duckdb.connect(":memory:", config={"threads": 1, **bounds}) as con:
        tables = describe(con, copy_tables(con, folder), load_standard())
        digests = [content_digest(con, f"release.{table.name}", stands_in_order=True) for table in tables]
        con.execute("detach release")
    return list(zip(tables, digests, strict=True))


def _files(folder: Path) -> dict[str, dict[str, Any]]:
    """Bytes and digest of every file so far but the database, which is told by the digests of its tables' rows."""
    paths = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    return {
        name: {"bytes": path.stat().st_size, "sha256": file_digest(path)}
        for name, path in sorted(paths.items())
        if name != DATABASE
    }


def _filings(states: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The filings whose rows count, and those that ceased to: how, and by which filing."""
    present = {row["filing_id"]: row for row in states}
    return {
        "filings_in_force": sorted(name for name, row in present.items() if row["state"] in registry.IN_FORCE),
        "filings_out_of_force": [
            {"filing": name, "state": row["state"], "by": row["detail"]}
            for name, row in sorted(present.items())
            if row["state"] in registry.OUT_OF_FORCE
        ],
    }


def code_commit() -> str | None:
    """The commit of the code that made the release; null where neither a checkout nor the image tells it."""
    if settings().code_commit:
        return settings().code_commit
    git = shutil.which("git")
    if git is None:
        return None
    found = subprocess.run(
        [git, "-C", str(PROJECT_DIR), "rev-parse", "HEAD"], capture_output=True, text=True, check=False
    )
    return found.stdout.strip() or None
