"""Measures go the way of Airflow's own metrics, and arrive: at a StatsD listener and at an OTLP collector."""

import gzip
import json
import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from dags.environment import airflow_environment
from ingest.config import PROJECT_DIR
from ingest.paths import Home

# What Airflow does around a task (`airflow.sdk.execution_time.task_runner.main`), and what tasks measure. It ends as a
# task's process does: without its exit handlers.
TASK = """
import os
from airflow.sdk.configuration import conf
from airflow.sdk.execution_time.task_runner import TaskRunnerMarker
from airflow.sdk.observability import stats
from airflow.sdk.observability.metrics import stats_utils
from dags.pool_plugin import NplPlugin
from ingest import telemetry
from ingest.telemetry.measures import count

stats.initialize(factory=stats_utils.get_stats_factory(), export_legacy_names=False)
for listener in NplPlugin.listeners:
    listener.on_starting(TaskRunnerMarker())
count("npl.filings.accepted", 2)
count("npl.filings.accepted", 1)
telemetry.queue(7, 3600.5)
with telemetry.work("publish"), telemetry.step("judge"):
    pass
for listener in NplPlugin.listeners:
    if hasattr(listener, "before_stopping"):
        listener.before_stopping(TaskRunnerMarker())
os._exit(0)
"""


def run_task(home: Path, **settings: str) -> None:
    environment = {**os.environ, **airflow_environment(Home(home)), "NPL_HOME": str(home), **settings}
    done = subprocess.run(
        [sys.executable, "-c", TASK], cwd=PROJECT_DIR, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_a_statsd_listener_hears_of_filings_queue_and_steps(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.setblocking(False)
        run_task(
            tmp_path,
            AIRFLOW__METRICS__STATSD_ON="True",
            AIRFLOW__METRICS__STATSD_HOST="127.0.0.1",
            AIRFLOW__METRICS__STATSD_PORT=str(listener.getsockname()[1]),
        )
        heard = []
        with suppress(BlockingIOError):  # on loopback all that was sent is here
            while True:
                heard.append(listener.recv(1000).decode().split("|")[0])
    # Airflow's own are among them
    values = [each.split(":") for each in heard if each.startswith("airflow.npl.")]
    assert values[:4] == [
        ["airflow.npl.filings.accepted", "2"],
        ["airflow.npl.filings.accepted", "1"],
        ["airflow.npl.queue.filings", "7"],
        ["airflow.npl.queue.oldest_seconds", "3600.5"],
    ]
    assert [name for name, _ in values[4:]] == ["airflow.npl.step.judge", "airflow.npl.step.publish"]
    assert all(0 <= float(milliseconds) < 10_000 for _, milliseconds in values[4:])


@contextmanager
def collector() -> Iterator[tuple[int, list[ExportMetricsServiceRequest]]]:
    """An OTLP collector on loopback: its port, and what it has received."""
    received: list[ExportMetricsServiceRequest] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            received.append(ExportMetricsServiceRequest.FromString(body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Collector)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port, received
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def test_an_otlp_collector_hears_the_same_before_the_task_is_gone(tmp_path: Path) -> None:
    with collector() as (port, received):
        run_task(
            tmp_path,
            AIRFLOW__METRICS__OTEL_ON="True",
            OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{port}",
            OTEL_EXPORTER_OTLP_PROTOCOL="http/protobuf",
        )
    metrics = {
        metric.name: metric
        for request in received
        for resource in request.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
    }
    (counted,) = metrics["airflow.npl.filings.accepted"].sum.data_points
    assert counted.as_int == 3
    assert "airflow.npl.queue.filings" in metrics
    assert "airflow.npl.step.judge" in metrics


def test_without_configuration_nothing_is_sent(tmp_path: Path) -> None:
    with collector() as (port, received):
        run_task(tmp_path, OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{port}")
    assert received == []
    (steps,) = Home(tmp_path).steps.iterdir()
    assert json.loads(steps.read_text())["work"] == "publish"


@pytest.mark.parametrize("page", ["operators.md", "operators.zh.md"])
def test_operators_can_read_what_every_measure_is(page: str) -> None:
    sent = {
        name
        for file in (PROJECT_DIR / "ingest" / "telemetry").glob("*.py")
        for name in re.findall(r'"(npl\.[a-z_.]+)', file.read_text(encoding="utf-8"))
    }
    assert len(sent) == 6
    text = (PROJECT_DIR / "docs" / page).read_text(encoding="utf-8")
    assert {name for name in sent if f"`{name}" not in text} == set()
