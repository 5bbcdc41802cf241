"""dbt as the platform runs it: in a process of its own, from the home's folder, on a parse that is kept.

Parsing the project takes longer than most builds. dbt itself tells whether a kept parse still holds (by the files, the
profile, the settings and its own version), but only where nothing in it names a home: so it always runs in the home's
folder, with paths relative to it. The kept parse lies in the project's `target` and serves every home of an
installation; so does the plan that a build leaves for those after it (`ingest.kept_plan`).
"""

import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import duckdb

from ingest import kept_plan
from ingest.config import PROJECT_DIR, settings
from ingest.errors import StorageError
from ingest.paths import Home, home, temporary_beside, write_text
from ingest.plan_steps import Kind

DBT_PROJECT = PROJECT_DIR / "dbt_project"
DATABASE_BEING_BUILT = ".npl.duckdb.next.tmp"
"""In the warehouse's folder; always of this name, or the profile would be another each time."""
PARSED = "partial_parse.msgpack"
ARGUMENTS = {
    Kind.whole: (),
    # No test that looks at every loan there is, and no view or seed, which are as the last build left them (tests of
    # what views show run: `empty` keeps those that an exclusion would take with it).
    Kind.update: (
        *("--indirect-selection", "empty"),
        *("--exclude", "tag:whole", "config.materialized:view", "resource_type:seed"),
    ),
}
PLAN_LOG = "dbt_plan.log"
"""Why a build from nothing by the plan failed, and dbt built instead."""
_LOGS = {Kind.whole: "dbt_build.log", Kind.update: "dbt_update.log"}
"""A log each: the build that follows an update that failed writes over none."""


def database_being_built(zones: Home) -> Path:
    """The file that dbt builds: under a name that readers do not look at."""
    return zones.warehouse.with_name(DATABASE_BEING_BUILT)


def environment(zones: Home, target: Path, logs: Path) -> dict[str, str]:
    """What dbt must find in its environment, besides the home's folder as its working directory."""
    return {
        "NPL_HOME": ".",
        "NPL_WAREHOUSE": database_being_built(zones).relative_to(zones.root).as_posix(),
        "NPL_WAREHOUSE_MEMORY_LIMIT": settings().warehouse_memory_limit,
        "DBT_TARGET_PATH": str(target),
        "DBT_LOG_PATH": str(logs),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DO_NOT_TRACK": "1",
    }


def build(kind: Kind, compiled_by: str) -> Path:
    """Build this home's `database_being_built`, by the plan that is kept or by `dbt build`; return dbt's manifest.

    `compiled_by` says from what the models are compiled: the plan of another is none. An update finds the database that
    stood in that place.

    Raises:
        StorageError: a model or a test failed; the log that it names tells which.
    """
    zones = home()
    target, log, installation = zones.work / "dbt" / "target", zones.logs / _LOGS[kind], DBT_PROJECT / "target"
    being_built = database_being_built(zones)
    try:
        if kept_plan.build(zones, kind, compiled_by, being_built, target, installation):
            return target / kept_plan.MANIFEST
    except (StorageError, OSError, duckdb.Error) as error:
        if kind == Kind.update:
            write_text(log, f"{error}\n")
            raise StorageError(f"市场表更新失败，详见 {log}", f"Updating market tables failed; see {log}") from error
        write_text(zones.logs / PLAN_LOG, f"{error}\n")  # dbt itself tells more of what is wrong, or gets through
        being_built.unlink(missing_ok=True)
    _run_dbt(zones, kind, target, log)
    kept_plan.keep(zones, kind, compiled_by, being_built, target, installation)
    return target / kept_plan.MANIFEST


def _run_dbt(zones: Home, kind: Kind, target: Path, log: Path) -> None:
    """A process of its own: dbt keeps global state, and a task must not inherit another's.

    Unit tests prove the models' formulas, not today's data: the project's own tests run them. dbt's own second log, of
    every statement, costs a tenth of a build.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    lend_parse(DBT_PROJECT, target)
    command = [sys.executable, "-P", "-c", "from dbt.cli.main import cli; cli()", "build"]
    command += ["--exclude-resource-type", "unit_test", "--no-use-colors", "--log-level-file", "none", *ARGUMENTS[kind]]
    command += ["--project-dir", str(DBT_PROJECT), "--profiles-dir", str(DBT_PROJECT)]
    with log.open("wb") as output:
        finished = subprocess.run(
            command,
            env=os.environ | environment(zones, target.resolve(), (zones.logs / "dbt").resolve()),
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=zones.root,
            check=False,
        )
    keep_parse(DBT_PROJECT, target)
    if finished.returncode:
        raise StorageError(f"市场表构建失败，详见 {log}", f"Building the market tables failed; see {log}")


def lend_parse(project: Path, target: Path) -> None:
    """Let a home that has no parse of its own begin with the installation's."""
    kept = project / "target" / PARSED
    if kept.exists() and not (target / PARSED).exists():
        _copy(kept, target / PARSED)


def keep_parse(project: Path, target: Path) -> None:
    """Keep a new parse for other homes, where the installation may be written to."""
    kept, made = project / "target" / PARSED, target / PARSED
    if made.exists() and not (kept.exists() and kept.stat().st_mtime_ns >= made.stat().st_mtime_ns):
        with suppress(OSError):  # a read-only installation parses once in each home
            _copy(made, kept)


def _copy(source: Path, target: Path) -> None:
    temporary = temporary_beside(target)
    temporary.write_bytes(source.read_bytes())
    temporary.replace(target)
