"""Measures of the platform, docs/operators.md lists them all.

Who sends them is not decided here: under a scheduler they go the way of Airflow's own metrics, StatsD or OpenTelemetry,
by its configuration (`dags.telemetry`); without one, nowhere. What tells filings apart stands in the name, since plain
StatsD knows no tags.
"""

import logging
from collections.abc import Callable
from typing import Protocol

log = logging.getLogger(__name__)


class Sink(Protocol):
    """Where measures go."""

    def count(self, name: str, value: int) -> None: ...

    def gauge(self, name: str, value: float) -> None: ...

    def seconds(self, name: str, value: float) -> None: ...


_sink: Sink | None = None


def send_to(sink: Sink | None) -> None:
    """From now on in this process measures go there; None: nowhere."""
    global _sink
    _sink = sink


def count(name: str, value: int) -> None:
    """Something happened so many times."""
    _send(lambda sink: sink.count(name, value))


def seconds(name: str, value: float) -> None:
    """Something took so long."""
    _send(lambda sink: sink.seconds(name, value))


def queue(filings: int, oldest_seconds: float) -> None:
    """What waits now, and the age of the oldest."""
    _send(lambda sink: sink.gauge("npl.queue.filings", filings))
    _send(lambda sink: sink.gauge("npl.queue.oldest_seconds", oldest_seconds))


def _send(tell: Callable[[Sink], None]) -> None:
    if _sink is None:
        return
    try:
        tell(_sink)
    except Exception as error:  # whatever a collector's client raises, no filing waits for it
        log.warning("measures are not sent: %s", error)
