"""The case `warehouse` of `npl bench`: a full build of so many loans, one filing more of 10,000 at a time, a release.

Each build is a process of its own, as the platform starts it, beside a plain copy of the database file in the same
call: readers never wait, so that no update can be cheaper than that copy. Questions of researchers are put to the
release, to its Parquet and to its database.
"""

import json
import shutil
import time
from pathlib import Path
from typing import Any

from ingest.bench.accepted_zone import BUYER, SELLERS, Bulk, bulks, write_zone
from ingest.bench.layout import questions_to_release
from ingest.bench.measure import Measured, machine, median, run_work, scratch

UPDATE_LOANS = 10_000
MODELS_TOLD = 12
Result = dict[str, Any]


def warehouse_case(rows: int, repeats: int) -> Result:
    """A warehouse of `rows` loans built whole, then `repeats` times three updates: loans new, sold on, corrected.

    It is built whole once more, as any build after an installation's first one is, and then released.
    """
    with scratch() as place:
        home = place / "home"
        zone = run_work("zone", [str(rows), str(place / "mould.parquet")], home)
        full = run_work("warehouse", [], home)
        updates: dict[str, list[Measured]] = {}
        for turn in range(repeats):
            for kind in ("new loans", "loans sold on", "correction"):
                run_work("zone_more", [str(rows), kind, str(turn), str(place / "mould.parquet")], home)
                updates.setdefault(kind, []).append(run_work("warehouse", [], home))
        database = home / "warehouse" / "npl.duckdb"
        copy_seconds, size = _copy_seconds(database), database.stat().st_size
        database.unlink()
        again = run_work("warehouse", [], home)
        release = run_work("release", [], home)
        asked = run_work("questions", [release.said["folder"], str(repeats)], home)
        return {
            "case": "warehouse",
            "machine": machine(),
            "rows": rows,
            "filings": zone.said["filings"],
            "repeats": repeats,
            "first": _figures([full]),
            "full": _figures([again]),
            "copy_seconds": copy_seconds,
            "database_mb": round(size / 2**20),
            "update_loans": UPDATE_LOANS,
            "updates": {kind: _figures(each) for kind, each in updates.items()},
            "ratio_update_to_full": round(
                median([each.seconds for runs in updates.values() for each in runs]) / again.seconds, 3
            ),
            "release": {
                "seconds": round(release.seconds, 3),
                "cpu_seconds": round(release.cpu_seconds, 3),
                "peak_memory_mb": round(release.peak_memory_mb, 3),
                "mb": release.said["mb"],
                "questions": asked.said,
            },
        }


def zone(rows: str, mould: str) -> dict[str, Any]:
    """Make the accepted zone (a piece of work for a process of its own)."""
    filings = list(bulks(int(rows)))
    write_zone(filings, Path(mould))
    return {"filings": len(filings)}


def zone_more(rows: str, kind: str, turn: str, mould: str) -> dict[str, Any]:
    """Add one filing of 10,000 loans: its own, those that an earlier one sold, or an earlier one's corrected."""
    there = list(bulks(int(rows)))
    last = len(there) + 3 * int(turn)
    if kind == "new loans":
        filing = Bulk(last, SELLERS[0], UPDATE_LOANS, last)
    elif kind == "loans sold on":
        filing = Bulk(last + 1, BUYER, UPDATE_LOANS, there[0].keys_of)
    else:
        filing = Bulk(last + 2, SELLERS[0], UPDATE_LOANS, last, corrects=last)
    write_zone([filing], Path(mould))
    return {"filings": 1}


def build() -> dict[str, Any]:
    """Build the warehouse as the platform does (a piece of work for a process of its own); told by model."""
    from ingest import warehouse
    from ingest.paths import home

    began = time.monotonic()
    warehouse.build()
    seconds = time.monotonic() - began
    results = json.loads((home().work / "dbt" / "target" / "run_results.json").read_text(encoding="utf-8"))["results"]
    return {
        "seconds": seconds,
        "nodes": len(results),
        "models": {each["unique_id"].split(".", 2)[2]: round(each["execution_time"], 2) for each in results},
    }


def release() -> dict[str, Any]:
    """Publish what is built (a piece of work for a process of its own)."""
    from ingest.paths import home
    from ingest.release.publish import publish

    folder = home().release(publish())
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    return {"folder": str(folder), "mb": round(size / 2**20)}


def questions(folder: str, repeats: str) -> dict[str, Any]:
    """Put the questions of `ingest.bench.layout` to a release."""
    return questions_to_release(Path(folder), int(repeats))


def _figures(runs: list[Measured]) -> Result:
    models = runs[0].said["models"]
    dearest = sorted(models, key=lambda name: -models[name])[:MODELS_TOLD]
    return {
        "seconds": median([each.seconds for each in runs]),
        "cpu_seconds": median([each.cpu_seconds for each in runs]),
        "peak_memory_mb": median([each.peak_memory_mb for each in runs]),
        "nodes": runs[0].said["nodes"],
        "model_seconds": {name: median([each.said["models"].get(name, 0.0) for each in runs]) for name in dearest},
    }


def _copy_seconds(database: Path) -> float:
    began = time.monotonic()
    copy = database.with_name(".copy.tmp")
    shutil.copyfile(database, copy)
    copy.unlink()
    return round(time.monotonic() - began, 2)
