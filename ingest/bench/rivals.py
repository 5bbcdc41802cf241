"""Other engines on the same tape: the loan table's plain rules in stock Great Expectations and in pandera.

Both are given what they need as their users would give it: the file as text, its columns by name, and beside each text
its typed value (null where it is none; days as ISO 8601, as the tapes write them). What they find is told by rule, so
that engines can be held against each other.
"""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from expectations.plain import plain_checks
from expectations.plain_terms import PlainCheck
from expectations.spec import Standard, load_standard
from ingest.bench import pandera_polars, stock_pandas
from ingest.synthetic_tape import FIRST_ROW, LOAN

Finding = tuple[str, int]  # rule, row as a spreadsheet shows it
# what brings the engine's libraries, and what finds check index and place of every row that breaks a check
RIVALS: dict[str, tuple[Callable[[], None], Callable[[str, Standard, Sequence[PlainCheck]], set[tuple[int, int]]]]] = {
    "great_expectations_pandas": (stock_pandas.load, stock_pandas.broken),
    "pandera_polars": (pandera_polars.load, pandera_polars.broken),
}


def findings(rival: str, file: str, standard: Standard, checks: Sequence[PlainCheck]) -> list[Finding]:
    """What one engine finds in a CSV tape under Chinese labels: one finding a check and row."""
    rules = {each.check.index: each.check.rule.id for each in checks}
    _, broken = RIVALS[rival]
    return sorted((rules[index], place + FIRST_ROW) for index, place in broken(file, standard, checks))


def run(rival: str, file: str) -> dict[str, Any]:
    """Read, type and judge a tape with one engine (work for a process of its own)."""
    load, _ = RIVALS[rival]
    began = time.process_time()
    load()
    imported = time.process_time() - began
    standard = load_standard()
    checks, left_out = plain_checks(standard, LOAN)
    began, wall = time.process_time(), time.monotonic()
    found = findings(rival, file, standard, checks)
    return {
        "work_cpu_seconds": time.process_time() - began,
        "work_seconds": time.monotonic() - wall,
        "import_cpu_seconds": imported,
        "rules": len({each.check.rule.id for each in checks}),
        "checks": len(checks),
        "rules_run": sorted({each.check.rule.id for each in checks}),
        "left_out": dict(sorted(Counter(each.reason for each in left_out).items())),
        "findings": dict(sorted(Counter(rule for rule, _ in found).items())),
    }
