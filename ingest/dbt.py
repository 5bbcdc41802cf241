"""dbt as the platform runs it: in a process of its own, from the home's folder, on a parse that is kept.

Parsing the project takes longer than most builds. dbt itself tells whether a kept parse still holds (by the files, the
profile, the settings and its own version), but only where nothing in it names a home: so it always runs in the home's
folder, with paths relative to it. The kept parse lies in the project's `target` and serves every home of an
installation.
"""

import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from ingest.config import PROJECT_DIR
from ingest.errors import StorageError
from ingest.paths import Home, home, temporary_beside

DBT_PROJECT = PROJECT_DIR / "dbt_project"
DATABASE_BEING_BUILT = ".npl.duckdb.next.tmp"
"""In the warehouse's folder; always of this name, or the profile would be another each time."""
PARSED = "partial_parse.msgpack"


def database_being_built(zones: Home) -> Path:
    """The file that dbt builds: under a name that readers do not look at."""
    return zones.warehouse.with_name(DATABASE_BEING_BUILT)


def environment(zones: Home, target: Path, logs: Path) -> dict[str, str]:
    """What dbt must find in its environment, besides the home's folder as its working directory."""
    return {
        "NPL_HOME": ".",
        "NPL_WAREHOUSE": database_being_built(zones).relative_to(zones.root).as_posix(),
        "DBT_TARGET_PATH": str(target),
        "DBT_LOG_PATH": str(logs),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DO_NOT_TRACK": "1",
    }


def build(arguments: Sequence[str] = ()) -> Path:
    """Run `dbt build` over this home into `database_being_built`; return dbt's manifest of it.

    It is a process of its own: dbt keeps global state, and a task must not inherit another's. Unit tests prove the
    models' formulas, not today's data: the project's own tests run them.

    Raises:
        StorageError: a model or a test failed; the log that it names tells which.
    """
    zones = home()
    target = zones.work / "dbt" / "target"
    # an update that failed is told of in a log of its own: the build after it writes over none
    log = zones.logs / ("dbt_update.log" if arguments else "dbt_build.log")
    log.parent.mkdir(parents=True, exist_ok=True)
    lend_parse(DBT_PROJECT, target)
    command = [sys.executable, "-P", "-c", "from dbt.cli.main import cli; cli()", "build"]
    command += ["--exclude-resource-type", "unit_test", "--no-use-colors", *arguments]
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
    return target / "manifest.json"


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
