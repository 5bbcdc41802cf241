"""What the measured processes do: `python -m ingest.bench.work WORK ARGUMENT..`, one line of JSON at the end.

CPU seconds of the work itself count from after the imports; what the imports took is told apart.
"""

import json
import sys
import time
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

from ingest.bench import across, rivals, warehouse

# phase, and the function whose CPU time it is (module, name); a phase inside another is taken out of it
PHASES = (
    ("hash and keep", "ingest.receive", "receive"),
    ("hash again", "ingest.accept", "intact_entry"),
    ("read", "ingest.check", "filed_content"),
    ("load as text", "ingest.check", "fill"),
    ("types and row rules", "expectations.filed_rows", "type_rows"),
    ("uniqueness and rules across rows", "expectations.engine", "judge_table"),
    ("Great Expectations", "expectations.suites", "judge_with_expectations"),
    ("completeness", "ingest.check", "completeness_of"),
    ("report", "ingest.check", "_report"),
    ("answer", "ingest.accept", "give_answer"),
    ("write accepted", "ingest.accept", "keep_rows"),
)


class Clock:
    """CPU seconds of each phase, without those of the phases inside it."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = {}
        self._inside: list[float] = []

    def timed(self, phase: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def run(*arguments: Any, **named: Any) -> Any:
            began = time.process_time()
            self._inside.append(0.0)
            try:
                return function(*arguments, **named)
            finally:
                took = time.process_time() - began
                self.spent[phase] = self.spent.get(phase, 0.0) + took - self._inside.pop()
                if self._inside:
                    self._inside[-1] += took

        return run


def bare(source: str, target: str, in_chinese: str) -> dict[str, Any]:
    """What any ingest must do: DuckDB's own typed CSV to Parquet. Cells that may hold a reason code load as text."""
    import duckdb

    from expectations.compile import kind_of, sql_text
    from expectations.spec import load_standard

    kinds = {
        field.zh if in_chinese == "zh" else field.name: "varchar"
        if field.nd or field.base_type == "boolean"
        else kind_of(field.type)
        for field in load_standard().tables["loan"].fields
    }
    columns = ", ".join(f"{sql_text(name)}: {sql_text(kind)}" for name, kind in kinds.items())
    began = time.process_time()
    with duckdb.connect(config={"threads": 2}) as con:
        con.execute(
            f"copy (select * from read_csv({sql_text(source)}, columns = {{{columns}}}, header = true, delim = ',', "
            f"quote = '\"', escape = '\"')) to {sql_text(target)} (format parquet, compression zstd)"
        )
    return {"work_cpu_seconds": time.process_time() - began}


def check(folder: str, institution: str = "SLXJ01") -> dict[str, Any]:
    """The platform's whole way with a filing, from its folder to the accepted rows and the answer."""
    import importlib

    began = time.process_time()
    import expectations.rule_expectation  # noqa: F401 - brings Great Expectations, whose import is told apart

    imported = time.process_time() - began
    for module in dict.fromkeys(module for _, module, _ in PHASES):
        importlib.import_module(module)
    from expectations.compile import checks_of
    from expectations.spec import load_standard

    load_standard()
    clock = Clock()
    phases = [phase for phase, *_ in PHASES]
    for phase, module, name in PHASES:
        home = importlib.import_module(module)
        setattr(home, name, clock.timed(phase, getattr(home, name)))
    from ingest import accept, receive
    from ingest.config import settings

    began, wall = time.process_time(), time.monotonic()
    filing_id = receive.receive(Path(folder), institution)
    verdict = accept.decide(filing_id)
    cpu = time.process_time() - began
    answer = settings().home / "outbox" / institution / filing_id / "report.json"
    report = json.loads(answer.read_text(encoding="utf-8"))
    clock.spent["the rest"] = cpu - sum(clock.spent.values())
    return {
        "work_cpu_seconds": cpu,
        "work_seconds": time.monotonic() - wall,
        "import_cpu_seconds": imported,
        # a small filing goes another way past some of them
        "phases": {name: round(spent, 3) for name, spent in (dict.fromkeys(phases, 0.0) | clock.spent).items()},
        "verdict": verdict,
        "findings_total": report["findings_total"],
        "findings_told": len(report["findings"]),
        "rows": sum(table["rows"] for table in report["tables"]),
        "accepted": sum(table["accepted"] for table in report["tables"]),
        "rules": len(load_standard().rules_of("loan")),
        "checks": len(
            checks_of(load_standard(), "loan", [each.name for each in load_standard().tables["loan"].fields])
        ),
        "findings": {rule["rule_id"]: rule["count"] for rule in report["rules"] if rule["count"]},
    }


WORK: dict[str, Callable[..., dict[str, Any]]] = {
    "bare": bare,
    "check": check,
    "across_filing": across.filing,
    "rival": rivals.run,
    "zone": warehouse.zone,
    "zone_more": warehouse.zone_more,
    "warehouse": warehouse.build,
    "release": warehouse.release,
    "questions": warehouse.questions,
}

if __name__ == "__main__":
    print(json.dumps(WORK[sys.argv[1]](*sys.argv[2:])))
