"""Measures of tasks go the way of Airflow's own metrics: StatsD or OpenTelemetry, as `AIRFLOW__METRICS__*` says.

Lineage of a task hangs under the run that Airflow's OpenLineage provider tells of it.
"""

import os
from typing import Any

from airflow.listeners import hookimpl


class AirflowMetrics:
    """A sink of measures (`ingest.telemetry`): what Airflow is configured to send to, which may be nothing."""

    def count(self, name: str, value: int) -> None:
        from airflow.sdk.observability import stats

        stats.incr(name, value)

    def gauge(self, name: str, value: float) -> None:
        from airflow.sdk.observability import stats

        stats.gauge(name, value)

    def seconds(self, name: str, value: float) -> None:
        from airflow.sdk.observability import stats

        stats.timing(name, value * 1000)


class TelemetryListener:
    """Binds measures to Airflow's metrics when the process of a task starts, and sends the last when it ends."""

    @hookimpl
    def on_starting(self, component: Any) -> None:
        if _runs_a_task(component):
            from ingest.telemetry import send_to

            send_to(AirflowMetrics())

    @hookimpl
    def on_task_instance_running(self, previous_state: Any, task_instance: Any) -> None:
        """Where lineage is wanted, make the task the parent of the runs that `ingest` tells of."""
        from ingest.telemetry import lineage

        if lineage.is_on():
            from airflow.providers.openlineage.plugins.macros import lineage_parent_id

            os.environ[lineage.PARENT] = lineage_parent_id(task_instance)

    @hookimpl
    def before_stopping(self, component: Any) -> None:
        # a task's process ends without its exit handlers, where Airflow would send what OpenTelemetry still holds
        if _runs_a_task(component):
            from opentelemetry.metrics import get_meter_provider

            flush = getattr(get_meter_provider(), "force_flush", None)
            if flush is not None:
                flush(timeout_millis=5000)


def _runs_a_task(component: Any) -> bool:
    return type(component).__name__ == "TaskRunnerMarker"
