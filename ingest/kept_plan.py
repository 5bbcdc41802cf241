"""What dbt ran, run again without dbt: a plan that is kept for every later build of the same kind (docs/adr/0039).

dbt spends some seven times on itself what its statements cost DuckDB, and the statements are the same until standard,
models or versions change. So dbt builds once of each kind, from nothing and as an update; its manifest is kept, and
what it compiled is run by this module on the database that it left (an update) or on an empty copy of it, with all
views, contracts and comments (from nothing). Whatever this module does not know makes no plan, and dbt builds again.
"""

import json
import logging
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb

from expectations.compile import sql_text
from ingest.config import settings
from ingest.paths import Home, remove_temporaries, temporary_beside, write_text
from ingest.plan_steps import Kind, Taken, UnknownStepError, plan_of, take_all

log = logging.getLogger(__name__)

MANIFEST, RESULTS, EMPTY = "manifest.json", "run_results.json", "empty.duckdb"


def keep(zones: Home, kind: Kind, made_by: str, built: Path, target: Path, installation: Path) -> None:
    """Keep the plan of a build that dbt has just finished in `built`; `made_by` says by what it was compiled.

    It is kept in the home, and for other homes where the installation may be written to. What cannot be kept costs time
    alone: the build itself stands.
    """
    place, other = (_place(folder, kind, made_by) for folder in (zones.work / "dbt", installation))
    remove_temporaries(place.parent)
    temporary = temporary_beside(place)
    try:
        plan_of(*_ran(target), kind)
        temporary.mkdir()
        for name in (MANIFEST, RESULTS):
            shutil.copyfile(target / name, temporary / name)
        if kind == Kind.whole:
            _write_empty(zones, built, json.loads((target / MANIFEST).read_bytes()), temporary / EMPTY)
        _put(temporary, place)
        temporary = temporary_beside(other)
        shutil.copytree(place, temporary)
        _put(temporary, other)
    except UnknownStepError as error:
        log.warning("dbt alone knows how %s is made: the next build is its own again", error)
    except (OSError, duckdb.Error) as error:
        log.info("a plan is not kept: %s", error)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _place(folder: Path, kind: Kind, made_by: str) -> Path:
    return folder / f"plan_{kind}_{made_by[:16]}"


def _put(temporary: Path, place: Path) -> None:
    """Rename into place; other plans of the same kind go: nothing compiles to them any more."""
    for left in place.parent.glob(f"{place.name.rpartition('_')[0]}_*"):
        shutil.rmtree(left, ignore_errors=True)
    temporary.rename(place)


def _write_empty(zones: Home, built: Path, manifest: Mapping[str, Any], empty: Path) -> None:
    """The database as it is without rows: schemas, tables with contracts and comments, views; seeds keep theirs."""
    with _session(zones) as con:
        con.execute(f"attach {sql_text(str(built))} as npl (read_only)")
        con.execute(f"attach {sql_text(str(empty))} as empty")
        con.execute("copy from database npl to empty (schema)")
        for node in manifest["nodes"].values():
            if node["resource_type"] == "seed":
                relation = f"{node['schema']}.{node['alias']}"
                con.execute(f"insert into empty.{relation} from npl.{relation}")


def build(zones: Home, kind: Kind, made_by: str, being_built: Path, target: Path, installation: Path) -> bool:
    """Build by the plan that is kept, if there is one; leave in `target` what dbt would leave of the build.

    Raises:
        StorageError: a statement or a test failed; its text tells which. dbt tells more of the same.
    """
    places = [_place(folder, kind, made_by) for folder in (zones.work / "dbt", installation)]
    place = next((each for each in places if each.exists()), None)
    if place is None or "," in str(zones.root.resolve()):  # DuckDB reads that setting as a list
        return False
    try:
        steps = plan_of(*_ran(place), kind)
    except (UnknownStepError, OSError, ValueError, KeyError) as error:
        log.warning("the plan %s is damaged: %s", place, error)
        return False
    if kind == Kind.whole:
        shutil.copyfile(place / EMPTY, being_built)
    with _session(zones) as con:
        con.execute(f"attach {sql_text(str(being_built))} as npl")
        sessions = [_in_home(con.cursor(), zones) for _ in range(settings().threads)]
        results = [_result(each) for each in take_all(steps, kind, sessions)]
    target.mkdir(parents=True, exist_ok=True)
    write_text(target / RESULTS, json.dumps(_results(place, results)))
    shutil.copyfile(place / MANIFEST, target / MANIFEST)
    return True


def _session(zones: Home) -> duckdb.DuckDBPyConnection:
    """As dbt's profile has it: views name files relative to the home."""
    place = zones.work / "dbt"
    place.mkdir(parents=True, exist_ok=True)
    con = duckdb.connect(
        ":memory:",
        config={
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "threads": settings().threads,
            "memory_limit": settings().warehouse_memory_limit,
            "temp_directory": str(place / "spill"),
        },
    )
    return _in_home(con, zones)


def _in_home(con: duckdb.DuckDBPyConnection, zones: Home) -> duckdb.DuckDBPyConnection:
    con.execute(f"set file_search_path = {sql_text(str(zones.root.resolve()))}")
    return con


def _ran(place: Path) -> tuple[dict[str, Any], list[str]]:
    results = json.loads((place / RESULTS).read_bytes())["results"]
    return json.loads((place / MANIFEST).read_bytes()), [each["unique_id"] for each in results]


def _result(taken: Taken) -> dict[str, Any]:
    """What dbt would tell of a node."""
    step, is_test = taken.step, taken.step.kind == "test"
    moments = {"started_at": taken.began.isoformat(), "completed_at": taken.ended.isoformat()}
    return {
        "unique_id": step.unique_id,
        "status": "success" if not is_test else "warn" if taken.told else "pass",
        "timing": [{"name": name, **moments} for name in ("compile", "execute")],
        "execution_time": (taken.ended - taken.began).total_seconds(),
        "adapter_response": {},
        "failures": taken.told if is_test else None,
    }


def _results(place: Path, results: list[dict[str, Any]]) -> dict[str, Any]:
    """As dbt would tell of this build: who made the plan, and what each step took now."""
    told: dict[str, Any] = json.loads((place / RESULTS).read_bytes())
    return told | {"results": results, "elapsed_time": sum(each["execution_time"] for each in results)}
