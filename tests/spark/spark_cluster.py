"""A Spark standalone cluster on loopback, one master and two workers, and dbt upon it.

Spark lives in an environment of its own, which `make test-spark` makes from requirements-spark.lock: nobody else has to
install it.
"""

import json
import os
import shutil
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from servers import free_port, install_debian

from ingest.config import PROJECT_DIR

WORKERS = 2
START_SECONDS = 120
BUILD_SECONDS = 3600
"""Beyond this something hangs; a build takes a few minutes."""

LOOPBACK = {
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.memory": "2g",
    "spark.executor.memory": "1g",
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.shuffle.partitions": "4",
}
_FEW_ROWS_JAVA = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
FEW_ROWS = LOOPBACK | {
    "spark.driver.extraJavaOptions": _FEW_ROWS_JAVA,
    "spark.executor.extraJavaOptions": _FEW_ROWS_JAVA,
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.adaptive.enabled": "false",
}
"""Over few rows, compiling a query costs more than it saves, and so does planning it anew at each exchange."""


@dataclass(frozen=True)
class Cluster:
    """Where a cluster is told of (`folder` is Spark's configuration) and which process groups make it."""

    folder: Path
    process_groups: tuple[int, ...]


def environment_folder() -> Path:
    return Path(os.environ.get("NPL_SPARK_VENV", PROJECT_DIR / ".venv-spark"))


@contextmanager
def served_spark(folder: Path, settings: Mapping[str, str] = FEW_ROWS) -> Iterator[Cluster]:
    """Start a master and its workers; give the cluster once all of them are registered; stop them all at the end."""
    if shutil.which("java") is None:
        install_debian("openjdk-17-jre-headless")
    folder.mkdir(parents=True)
    port, web_port = free_port(), free_port()
    master = f"spark://127.0.0.1:{port}"
    told = {**settings, "spark.master": master, "spark.local.dir": str(folder / "local")}
    (folder / "spark-defaults.conf").write_text("".join(f"{name} {value}\n" for name, value in told.items()))
    with (folder / "cluster.log").open("wb") as log:
        processes = [
            _start(
                log, folder, "master.Master", "--host", "127.0.0.1", "--port", str(port), "--webui-port", str(web_port)
            )
        ]
        try:
            for number in range(WORKERS):
                work = folder / f"worker{number}"
                arguments = ["--host", "127.0.0.1", "--cores", "1", "--memory", "1g", "--webui-port", "0"]
                processes.append(_start(log, folder, "worker.Worker", *arguments, "--work-dir", str(work), master))
            _await_workers(web_port, folder / "cluster.log")
            yield Cluster(folder, tuple(process.pid for process in processes))
        finally:
            for process in processes:
                stop_group(process)


def build_on_spark(cluster: Cluster, project: Path, home: Path, warehouse: Path, *arguments: str) -> float:
    """Run dbt on the cluster over a home; its tables come to lie in `warehouse`, its logs beside the cluster's.

    Returns the CPU seconds of dbt, of Spark's driver and of the cluster meanwhile, looked at twice a second.
    """
    scratch = cluster.folder / "dbt"
    environment = _environment(cluster.folder) | {
        "NPL_HOME": str(home),
        "NPL_WAREHOUSE": str(warehouse),
        "DBT_TARGET_PATH": str(scratch / "target"),
        "DBT_LOG_PATH": str(scratch / "logs"),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DO_NOT_TRACK": "1",
    }
    # dbt imports whatever on the path is called dbt_*; the tests' helpers are not for it
    environment.pop("PYTHONPATH", None)
    dbt = [environment_folder() / "bin" / "dbt", *arguments, "--target", "spark", "--no-use-colors"]
    folders = ["--project-dir", str(project), "--profiles-dir", str(project)]
    log = cluster.folder / "dbt.log"
    with log.open("wb") as output:
        before = _cpu_seconds(cluster.process_groups)
        used = dict(before)
        process = _popen([*dbt, *folders], output, environment, cwd=project)
        deadline = time.monotonic() + BUILD_SECONDS
        try:
            while process.poll() is None and time.monotonic() < deadline:
                used |= _cpu_seconds((*cluster.process_groups, process.pid))
                time.sleep(0.5)
        finally:
            stop_group(process)
    assert process.returncode == 0, "\n".join(_complaints(log))
    return sum(used.values()) - sum(before.values())


def _cpu_seconds(process_groups: Collection[int]) -> dict[int, float]:
    """The CPU seconds so far of every living process of some groups, by process id."""
    used = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            # after the name in brackets: state, parent, group, ...; user and system ticks are the 12th and 13th
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:  # it ended meanwhile
            continue
        if int(fields[2]) in process_groups:
            used[int(stat.parent.name)] = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return used


def stop_group(process: subprocess.Popen[bytes]) -> None:
    """End a process and whatever it started: workers start executors, dbt starts a driver."""
    for sent in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, sent)
            process.wait(10)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue


def _start(log: IO[bytes], folder: Path, service: str, *arguments: str) -> subprocess.Popen[bytes]:
    command = [_spark_home() / "bin" / "spark-class", f"org.apache.spark.deploy.{service}", *arguments]
    return _popen(command, log, _environment(folder), cwd=folder)


def _popen(
    command: list[Path | str], log: IO[bytes], environment: dict[str, str], cwd: Path
) -> subprocess.Popen[bytes]:
    """Start a process that leads a group of its own, so that it can be stopped with all that it started."""
    return subprocess.Popen(
        command, env=environment, stdout=log, stderr=subprocess.STDOUT, cwd=cwd, start_new_session=True
    )


def _environment(folder: Path) -> dict[str, str]:
    return os.environ | {
        "SPARK_HOME": str(_spark_home()),
        "SPARK_CONF_DIR": str(folder),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_DAEMON_MEMORY": "256m",
        "SPARK_DAEMON_JAVA_OPTS": _FEW_ROWS_JAVA,
    }


def _spark_home() -> Path:
    found = sorted(environment_folder().glob("lib/python*/site-packages/pyspark"))
    assert found, f"no Spark in {environment_folder()}: run `make test-spark`"
    return found[-1]


def _await_workers(web_port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{web_port}/json/", timeout=5) as answer:
                if json.load(answer)["aliveworkers"] == WORKERS:
                    return
        except (urllib.error.URLError, OSError):
            pass
        time.sleep(0.5)
    raise AssertionError(f"the workers did not come up, see {log}:\n{log.read_text()[-2000:]}")


def _complaints(log: Path) -> list[str]:
    """What dbt says of its failures, without the stack traces that Spark prints on one line each."""
    lines = [line for line in log.read_text(errors="replace").splitlines() if not line.startswith("{")]
    return lines[-60:]
