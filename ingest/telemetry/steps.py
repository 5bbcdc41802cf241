"""How long each piece of work took, and its steps: a line a piece in `logs/steps/<day>.jsonl`.

A line: `{"at": UTC, "work", "filing_id" or null, "outcome": done | failed, "seconds", "steps": {name: seconds}}`.
`npl status` and the operator's page read them; `npl check` writes none.
"""

import json
import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from ingest import registry
from ingest.paths import home
from ingest.telemetry.lineage import run_of
from ingest.telemetry.logs import about
from ingest.telemetry.measures import seconds as measure

log = logging.getLogger(__name__)

KEPT_DAYS = 60

_steps: ContextVar[dict[str, float] | None] = ContextVar("steps", default=None)


@contextmanager
def work(name: str, filing_id: str | None = None) -> Iterator[None]:
    """A piece of work, about one filing or none: its lines name the filing, its seconds and steps are written down."""
    steps: dict[str, float] = {}
    outer = _steps.set(steps)
    outcome = "failed"
    begun = time.perf_counter()
    try:
        with about(filing_id), run_of(name, filing_id):
            yield
        outcome = "done"
    finally:
        seconds = time.perf_counter() - begun
        _steps.reset(outer)
        _write_down({"work": name, "filing_id": filing_id, "outcome": outcome}, seconds, steps)
        measure(f"npl.step.{name}", seconds)


@contextmanager
def step(name: str) -> Iterator[None]:
    """A step of the piece of work around it; outside of any, nothing is measured."""
    steps = _steps.get()
    if steps is None:
        yield
        return
    begun = time.perf_counter()
    try:
        yield
    finally:
        seconds = time.perf_counter() - begun
        steps[name] = steps.get(name, 0.0) + seconds
        measure(f"npl.step.{name}", seconds)


def _write_down(what: dict[str, Any], seconds: float, steps: dict[str, float]) -> None:
    at = registry.utc_now()
    rounded = {name: round(each, 3) for name, each in steps.items()}
    line = {"at": f"{at:%Y-%m-%dT%H:%M:%S}Z", **what, "seconds": round(seconds, 3), "steps": rounded}
    file = home().steps / f"{at:%Y-%m-%d}.jsonl"
    try:
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            for old in sorted(file.parent.glob("*.jsonl"))[: -KEPT_DAYS + 1]:
                old.unlink(missing_ok=True)
        # one write at the end of the file: lines of several workers do not mix
        handle = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
        try:
            os.write(handle, (json.dumps(line, ensure_ascii=False) + "\n").encode())
        finally:
            os.close(handle)
    except OSError as error:
        log.warning("%s is not written: %s", file, error.strerror)


def read_steps(days: int) -> Iterator[dict[str, Any]]:
    """The lines of the latest days that have any, oldest first; what is no whole line is passed over."""
    for file in sorted(home().steps.glob("*.jsonl"))[-days:]:
        for line in file.read_text(encoding="utf-8").splitlines():
            try:
                told = json.loads(line)
            except ValueError:  # the machine stopped in the middle of it
                continue
            yield told
