"""What many small filings that wait at once cost the served platform: wall time, CPU seconds by part, cores kept busy.

    .venv/bin/python tests/integration/flow_cost.py --filings 200

Airflow's parts over PostgreSQL as `served_platform` starts them, each a process; so many filings of 20 institutions lie
in the inbox when the first run is started. Told is what it takes until all are decided, until the run of
`ingest_filings` has ended, and (with `--to-release`) until their release is published. CPU seconds are of these
processes alone, whatever else the machine does meanwhile; wall times are not.
"""

import argparse
import datetime
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[2]))
sys.path.append(str(Path(__file__).parents[1]))

from many_filings import drop, register_filers, write_filings
from processes import children, descendants
from served_platform import ServedPlatform, served_platform

from ingest import registry, registry_tables, warehouse
from ingest.config import settings
from ingest.paths import home

DAGS = ("ingest_filings", "build_warehouse", "publish_release")
PATIENCE = 3600
TICKS = os.sysconf("SC_CLK_TCK")


class Watch:
    """CPU seconds of the platform's processes by part, and of each task that its scheduler's workers run."""

    def __init__(self, platform: ServedPlatform) -> None:
        self._platform = platform
        self._tasks: dict[int, tuple[float, float]] = {}
        self._boot = time.time() - float(Path("/proc/uptime").read_text().split()[0])
        self._before = self._by_part()

    def look(self) -> None:
        """Take note of the tasks that run now; what one used after the last look before its end is not told of it."""
        for worker in children(self._platform.pids["scheduler"]):
            for task in children(worker):
                used, begun = _seconds(task), _begun(task)
                if used and begun:
                    self._tasks[task] = self._boot + begun, sum(used)

    def by_part(self) -> dict[str, float]:
        """CPU seconds since this was made."""
        return {part: round(seconds - self._before[part], 1) for part, seconds in self._by_part().items()}

    def by_task(self) -> dict[str, float]:
        """CPU seconds of the tasks of all DAGs, each known by the moment at which its process was started: of two tasks
        that start at once, one may stand for the other."""
        found: dict[str, float] = {}
        instances = [each for dag_id in DAGS for each in _instances(self._platform, dag_id)]
        for begun, seconds in sorted(self._tasks.values()):
            nearest = min(instances, key=lambda each: abs(each["begun"] - begun), default={"name": "?"})
            if nearest in instances:
                instances.remove(nearest)  # of two that start at once each has its own process
            found[nearest["name"]] = found.get(nearest["name"], 0.0) + seconds
        return {name: round(seconds, 1) for name, seconds in sorted(found.items())}

    def _by_part(self) -> dict[str, float]:
        found = {part: _of_all(process) for part, process in self._platform.pids.items()}
        itself = sum(_seconds(self._platform.pids["scheduler"])[:1])
        return found | {
            "scheduler": itself,
            "tasks": found["scheduler"] - itself,
            "postgresql": _of_all(self._platform.postgres.pid),
        }


def _seconds(process: int) -> list[float]:
    """CPU seconds of a process itself, and of those that it has started and that have ended; empty if it is gone."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []
    user, system, of_children, system_of_children = (int(ticks) / TICKS for ticks in fields[11:15])
    return [user + system, of_children + system_of_children]


def _of_all(process: int) -> float:
    return sum(sum(_seconds(each)) for each in (process, *descendants(process)))


def _begun(process: int) -> float | None:
    """Seconds after the machine's start at which a process was started."""
    try:
        return int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[19]) / TICKS
    except (FileNotFoundError, ProcessLookupError):
        return None


def _instances(platform: ServedPlatform, dag_id: str) -> list[dict[str, Any]]:
    found = platform.api.call("GET", f"/api/v2/dags/{dag_id}/dagRuns/~/taskInstances?limit=1000")["task_instances"]
    return [
        {
            "name": f"{dag_id}.{each['task_id']}",
            "begun": datetime.datetime.fromisoformat(each["start_date"]).timestamp(),
            "seconds": each["duration"],
        }
        for each in found
        if each["start_date"]
    ]


def measure(folder: Path, filings: int, lanes: int, to_release: bool) -> dict[str, Any]:
    """Start a platform on a home of its own, let it decide so many filings, and tell what that took."""
    fates = write_filings(folder / "filings", filings)
    with served_platform(folder / "home", lanes) as platform:
        os.environ.update(
            NPL_HOME=str(folder / "home"),
            NPL_REGISTRY_URL=platform.environment["NPL_REGISTRY_URL"],
            NPL_SETTLE_SECONDS="0",
        )
        settings.cache_clear()
        register_filers()
        drop(folder / "filings", home())
        for dag_id in DAGS if to_release else DAGS[:1]:
            platform.api.call("PATCH", f"/api/v2/dags/{dag_id}", {"is_paused": False})
        watch, start = Watch(platform), time.monotonic()
        platform.api.call("POST", "/api/v2/dags/ingest_filings/dagRuns", {"logical_date": None})
        new = sum(fates.values()) - fates["again"]
        ends = {
            "all decided": lambda: len(registry.rows_of(registry_tables.decisions)) == new,
            "ingest_filings ended": lambda: _ended(platform, "ingest_filings"),
        }
        if to_release:
            ends["released"] = lambda: home().latest_release.exists() and warehouse.is_current()
        told: dict[str, Any] = {"filings": filings, "lanes": lanes, "verdicts": dict(fates)}
        for name, met in ends.items():

            def looked(met: Any = met) -> bool:
                watch.look()
                return bool(met())

            platform.wait_until(name, looked, PATIENCE)
            wall, parts = time.monotonic() - start, watch.by_part()
            told[name] = {
                "seconds": round(wall, 1),
                "cpu_seconds": parts,
                "cores_busy": round(sum(parts.values()) / wall, 2),
            }
        told["cpu_seconds_by_task"] = watch.by_task()
        told["seconds_by_task"] = {
            each["name"] + f" {number}": round(each["seconds"] or 0, 1)
            for number, each in enumerate(
                sorted(_instances(platform, "ingest_filings"), key=lambda each: each["begun"])
            )
        }
        return told


def _ended(platform: ServedPlatform, dag_id: str) -> bool:
    """Whether the first run has ended, which has all filings: those that the schedule starts later find none."""
    return any(run["state"] == "success" for run in platform.api.runs(dag_id))


def main() -> None:
    """Parse, run in a folder of its own, print JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--filings", type=int, default=200)
    parser.add_argument("--lanes", type=int, default=2)
    parser.add_argument("--to-release", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(measure(Path(folder), options.filings, options.lanes, options.to_release), indent=1))


if __name__ == "__main__":
    main()
