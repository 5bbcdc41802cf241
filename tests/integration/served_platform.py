"""For tests: the platform as it is served, each part a process on loopback, which can be killed and comes up again."""

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from embedded_airflow import Api, environment_of, stop, wait_until
from postgres import Postgres
from processes import children, descendants
from servers import free_port

from ingest.config import PROJECT_DIR

PARTS: Mapping[str, list[str]] = {
    "api_server": ["api-server"],
    "dag_processor": ["dag-processor"],
    "triggerer": ["triggerer", "--skip-serve-logs"],
    "scheduler": ["scheduler", "--skip-serve-logs"],  # its log server cannot be told to stay on loopback
}
# What was killed is found dead within seconds, where the defaults wait for minutes.
IMPATIENT = {
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "60",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL": "5",
    "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": "20",
    "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "10",
}


class ServedPlatform:
    """Airflow's parts over a PostgreSQL that holds its metadata and the registry, a database and a role for each."""

    def __init__(self, home: Path, postgres: Postgres, lanes: int) -> None:
        self.home, self.postgres = home, postgres
        port = free_port()
        address = f"http://127.0.0.1:{port}"
        self.environment = environment_of(
            home,
            NPL_LANES=str(lanes),
            NPL_SETTLE_SECONDS="0",
            NPL_REGISTRY_URL=postgres.url("registry", "registry"),
            AIRFLOW__DATABASE__SQL_ALCHEMY_CONN=postgres.url("airflow", "airflow", "psycopg2"),
            AIRFLOW__CORE__PARALLELISM=str(lanes),
            AIRFLOW__API__PORT=str(port),
            AIRFLOW__API__BASE_URL=address,
            AIRFLOW__CORE__EXECUTION_API_SERVER_URL=f"{address}/execution/",
            AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_ALL_ADMINS="True",
            **IMPATIENT,
        )
        self.api = Api(address)
        self.restarts: Counter[str] = Counter()
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._ever: list[subprocess.Popen[bytes]] = []

    @property
    def pids(self) -> dict[str, int]:
        """The process of each part."""
        return {name: process.pid for name, process in self._processes.items()}

    def start(self) -> None:
        """Make the databases' tables, then bring everything up."""
        self._run_to_end("migrate", [sys.executable, "-m", "airflow", "db", "migrate"])
        self._run_to_end("upgrade", [sys.executable, "-m", "ingest.cli", "registry", "upgrade"])
        for name in PARTS:
            self.start_part(name)
        self.wait_until("all parts are up", self.api.is_up, 300)
        self.api.sign_in()

    def start_part(self, name: str) -> None:
        """Start a part of this name; `scheduler_2` is one more scheduler."""
        with (self.home / f"{name}.out").open("ab") as out:
            process = subprocess.Popen(
                [sys.executable, "-m", "airflow", *PARTS[name.removesuffix("_2")]],
                cwd=PROJECT_DIR,
                env=self.environment,
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        self._processes[name] = process
        self._ever.append(process)

    def keep_up(self) -> None:
        """Start again what has ended, as the deployment's `restart: unless-stopped` does."""
        for name, process in list(self._processes.items()):
            if process.poll() is not None:
                self.restarts[name] += 1
                self.start_part(name)

    def kill_scheduler(self) -> None:
        """`kill -9` the scheduler alone: what it has started goes on without it."""
        self._processes["scheduler"].kill()
        self._processes["scheduler"].wait()

    def kill_worker(self) -> bool:
        """`kill -9` a worker of the scheduler that is at work, and its task; false when none is."""
        for worker in children(self._processes["scheduler"].pid):
            if at_work := descendants(worker):
                for process in (worker, *at_work):
                    with suppress(ProcessLookupError):
                        os.kill(process, signal.SIGKILL)
                return True
        return False

    def wait_until(self, what: str | Callable[[], str], met: Callable[[], bool], seconds: float) -> None:
        """Look again and again, and keep all parts up meanwhile; on time-out fail with the ends of all logs."""

        def is_met() -> bool:
            if met():
                return True
            self.keep_up()
            return False

        wait_until(what, is_met, seconds, self.home)

    def stop(self) -> None:
        for process in self._ever:
            stop(process, signal.SIGKILL)
            process.wait(timeout=30)

    def _run_to_end(self, name: str, command: list[str]) -> None:
        with (self.home / f"{name}.out").open("wb") as out:
            subprocess.run(
                command, cwd=PROJECT_DIR, env=self.environment, stdout=out, stderr=out, check=True, timeout=600
            )


@contextmanager
def served_platform(home: Path, lanes: int = 2) -> Iterator[ServedPlatform]:
    """A platform whose parts are all up, on a home that may hold an inbox already; gone afterwards."""
    home.mkdir(parents=True, exist_ok=True)
    postgres = Postgres()
    try:
        postgres.start()
        for name in ("airflow", "registry"):
            postgres.add_database(name)
        platform = ServedPlatform(home, postgres, lanes)
        try:
            platform.start()
            yield platform
        finally:
            platform.stop()
    finally:
        postgres.remove()
