"""Where the time of small filings goes: `python -m ingest.bench.small --filings 200`.

A number of filings of one sale notice each is put into the inbox of an empty home of its own, received, and decided by
this one process, as one lane does it. Told are milliseconds of CPU a filing by part, and what another run costs that
finds nothing to do, after each quarter of the history. The parts are measured from outside, so that the platform itself
carries no stop-watches: each second is counted where it was spent, once.
"""

import argparse
import datetime
import importlib
import itertools
import json
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Any

SELLERS = ("SLXJ01", "SLYH01", "SLYH02", "SLQC01")
LISTED = datetime.date(2026, 10, 12)
MOST = 9_999  # of one institution: no filing has a greater sequence
QUARTERS = 4
RERUNS = 3
PARTS = {
    ("ingest.check", "checking"): "checks",
    ("expectations.rule_expectation", "judge_one"): "checks",
    ("expectations.suites", "judge_with_expectations"): "gx",
    ("ingest.registry", "transaction"): "registry",
    ("ingest.check", "_report"): "report",
    ("ingest.accept", "give_answer"): "report",
    ("ingest.accept", "keep_rows"): "rows",
    ("ingest.accept", "write_receipt"): "receipt",
}


class Parts:
    """CPU seconds of this process by part; time inside a part that another one encloses is the inner one's alone."""

    def __init__(self) -> None:
        self.seconds: Counter[str] = Counter()
        self._inside = ["other"]
        self._since = time.process_time()

    def _charge(self) -> None:
        now = time.process_time()
        self.seconds[self._inside[-1]] += now - self._since  # type: ignore[assignment]  # a Counter of seconds
        self._since = now

    @contextmanager
    def within(self, part: str) -> Iterator[None]:
        self._charge()
        self._inside.append(part)
        try:
            yield
        finally:
            self._charge()
            self._inside.pop()

    def taken(self) -> Counter[str]:
        """Seconds since this was last asked."""
        self._charge()
        seconds, self.seconds = self.seconds, Counter()
        return seconds


def measured(parts: Parts, function: Callable[..., Any], part: str) -> Callable[..., Any]:
    """The same function, its time charged to a part: of a context manager that of its body as well."""
    if hasattr(function, "__wrapped__"):

        @contextmanager
        @wraps(function)
        def enter(*arguments: Any, **named: Any) -> Iterator[Any]:
            with parts.within(part), function(*arguments, **named) as given:
                yield given

        return enter

    @wraps(function)
    def call(*arguments: Any, **named: Any) -> Any:
        with parts.within(part):
            return function(*arguments, **named)

    return call


def watch(parts: Parts) -> None:
    """Put a stop-watch around every function of `PARTS`, wherever it was imported to."""
    importlib.import_module("ingest.accept")
    for (module, name), part in PARTS.items():
        function = getattr(importlib.import_module(module), name)
        timed = measured(parts, function, part)
        for each in list(sys.modules.values()):
            if getattr(each, "__name__", "").startswith(("ingest.", "expectations.")) and (
                getattr(each, name, None) is function
            ):
                setattr(each, name, timed)


def put_filings(begin: int, end: int) -> None:
    """Put the filings of these numbers, each of one sale notice, into the inboxes of four invented sellers in turn."""
    from expectations.spec import load_standard
    from ingest.paths import home, write_bytes
    from ingest.synthetic import NOTICE, Package, notice_row
    from ingest.synthetic_files import SyntheticFiling, contents_of

    standard = load_standard()
    for number in range(begin, end):
        turn, place = divmod(number, len(SELLERS))
        row = notice_row(standard, Package(SELLERS[place], 100 + turn, "XF"), "ZR", LISTED)
        filing = SyntheticFiling(
            f"{turn + 1:04}", SELLERS[place], f"{LISTED:%Y-%m}", {NOTICE: [row]}, "zip", sequence=turn + 1
        )
        content = contents_of(standard, filing)
        assert isinstance(content, bytes)
        write_bytes(home().inbox / filing.institution / filing.entry, content)


def rerun_seconds(decided: str) -> float:
    """CPU seconds of a run that finds nothing to do: look for what waits, and decide a decided filing once more."""
    from ingest import accept
    from ingest.receive import receive_waiting

    best = float("inf")
    for _ in range(RERUNS):
        start = time.process_time()
        assert receive_waiting() == []
        accept.decide(decided)
        best = min(best, time.process_time() - start)
    return best


def run(count: int) -> dict[str, Any]:
    """Receive and decide `count` small filings; milliseconds of CPU a filing, and of a rerun by length of history."""
    from ingest import accept
    from ingest.lanes import decide_lane
    from ingest.receive import receive_waiting

    parts = Parts()
    watch(parts)
    put_filings(0, 1)
    (first,) = receive_waiting()
    verdicts = Counter([accept.decide(first)])
    once = parts.taken().total()  # makes what a worker makes once
    by_part: Counter[str] = Counter()
    received = 0.0
    reruns: dict[int, float] = {}
    bounds = sorted({1 + (count - 1) * part // QUARTERS for part in range(QUARTERS + 1)})
    for begin, end in itertools.pairwise(bounds):
        put_filings(begin, end)
        parts.taken()
        waiting = receive_waiting()
        received += parts.taken().total()
        assert len(waiting) == end - begin
        verdicts.update(decide_lane(waiting).values())
        by_part.update(parts.taken())
        reruns[end] = rerun_seconds(waiting[-1])
    return {
        "filings": count,
        "verdicts": dict(verdicts),
        "first_filing_ms": _each(once, 1),
        "receive_ms": _each(received, count - 1),
        "decide_ms": _each(by_part.total(), count - 1),
        "parts_ms": {part: _each(seconds, count - 1) for part, seconds in sorted(by_part.items())},
        "beyond_checks_ms": _each(by_part.total() - by_part["checks"], count - 1),
        "rerun_ms": {history: _each(seconds, 1) for history, seconds in reruns.items()},
    }


def _each(seconds: float, filings: int) -> float:
    return round(seconds * 1000 / filings, 1)


def main() -> None:
    """Parse, run in a home of its own, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--filings", type=int, default=40)
    parser.add_argument("--format", choices=("table", "json"), default="table")
    options = parser.parse_args()
    if not 2 <= options.filings <= MOST * len(SELLERS):
        parser.error(f"--filings: 2 to {MOST * len(SELLERS)}")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["NPL_HOME"] = str(Path(folder) / "home")
        told = run(options.filings)
    if options.format == "json":
        print(json.dumps(told, ensure_ascii=False))
        return
    for name, value in told.items():
        print(f"{name:20} {value}")


if __name__ == "__main__":
    main()
