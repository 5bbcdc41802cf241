"""For tests: homes with an Airflow of their own, and how to speak with one that is served."""

import json
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from dags.environment import airflow_environment
from expectations.spec import load_standard
from ingest.paths import Home
from ingest.synthetic import demo_filings
from ingest.synthetic_files import folder_contents


def environment_of(home: Path, **more: str) -> dict[str, str]:
    """The environment of an embedded Airflow whose home is `home`."""
    return {**os.environ, **airflow_environment(Home(home)), "NPL_HOME": str(home), **more}


def prepare_inbox(home: Path) -> int:
    """Put good filings of two institutions into their inboxes; the number of filings."""
    standard = load_standard()
    filings = [filing for filing in demo_filings(standard) if filing.name == "2026-05-sale"][:2]
    for filing in filings:
        place = Home(home).inbox / filing.institution / filing.name
        place.mkdir(parents=True)
        for name, content in folder_contents(standard, filing).items():
            (place / name).write_bytes(content)
    return len({filing.institution for filing in filings})


class Api:
    """The REST interface of the Airflow under test."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._token = ""

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        request = urllib.request.Request(
            self._address + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Content-Type": "application/json"}
            | ({"Authorization": f"Bearer {self._token}"} if self._token else {}),
        )
        # Loopback never goes through a proxy, whatever the environment says.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=120) as answer:
            return json.load(answer)

    def sign_in(self) -> None:
        self._token = self.call("GET", "/auth/token")["access_token"]

    def is_up(self) -> bool:
        try:
            health = self.call("GET", "/api/v2/monitor/health")
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False
        return all(health[part]["status"] == "healthy" for part in ("metadatabase", "scheduler", "dag_processor"))

    def dag_ids(self) -> list[str]:
        return sorted(dag["dag_id"] for dag in self.call("GET", "/api/v2/dags")["dags"])

    def runs(self, dag_id: str) -> list[dict[str, Any]]:
        return self.call("GET", f"/api/v2/dags/{dag_id}/dagRuns")["dag_runs"]


def wait_until(what: str | Callable[[], str], met: Callable[[], bool], seconds: float, logs: Path) -> None:
    """Poll; on time-out fail with the ends of all logs, and with what is asked of `what` only then."""
    deadline = time.monotonic() + seconds
    while not met():
        if time.monotonic() > deadline:
            tails = [f"== {log.name}\n{log.read_text(errors='replace')[-3000:]}" for log in sorted(logs.glob("*.out"))]
            told = what if isinstance(what, str) else what()
            pytest.fail(f"waited {seconds} s in vain until {told}\n" + "\n".join(tails))
        time.sleep(0.5)


def stop(process: subprocess.Popen[bytes], how: signal.Signals) -> None:
    """Send a signal to the process and all its children, if any is left."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, how)
