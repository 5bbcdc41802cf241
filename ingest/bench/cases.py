"""The cases of `npl bench`: what is made, what is run, and the figures that come out."""

import datetime
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from expectations.spec import load_standard
from ingest.bench.across import across_case
from ingest.bench.layout import layout_case
from ingest.bench.measure import Measured, machine, median, run_module, run_work, scratch
from ingest.bench.rivals import RIVALS
from ingest.bench.warehouse import warehouse_case
from ingest.errors import JudgeError
from ingest.paths import file_digest
from ingest.synthetic_loans import TapeShape
from ingest.synthetic_tape import SUFFIXES, XLSX_ROWS, Tape, TapeForm, write_tape, write_tape_filing

SHAPE = TapeShape("SLXJ01-2026-031", "示例第一消费金融有限公司", datetime.date(2025, 12, 31))
PERIOD = "2026-01"
# defects that hold a row or remark on it: the filing is accepted, as most are
ACCEPTABLE = frozenset({"rate as percentage", "enforcement nowhere"})
GROWTH_STEPS = 3
OURS = "npl"
Result = dict[str, Any]


@dataclass(frozen=True)
class Job:
    """One filing to check: its tape, its format, and how often each run is repeated."""

    rows: int
    repeats: int
    form: TapeForm = "csv"
    defect_rate: Decimal = Decimal("0.005")
    kinds: frozenset[str] = ACCEPTABLE
    in_chinese: bool = True


def check_case(rows: int, repeats: int) -> Result:
    """A filing of one loan tape, 0.5 % of its rows defective, from landing to accepted, beside the bare load."""
    return {"case": "check", "machine": machine(), **_checked(Job(rows, repeats))}


def every_row_bad_case(rows: int, repeats: int) -> Result:
    """The same with every single row spoiled, in fourteen ways; the bare load gets the clean rows, or it would stop."""
    job = Job(rows, repeats, defect_rate=Decimal(1), kinds=frozenset())
    return {"case": "bad", "machine": machine(), **_checked(job)}


def formats_case(rows: int, repeats: int) -> Result:
    """The same loans in each format; CPU a loan against UTF-8. A workbook has as many as a sheet holds, and no more."""
    results = {
        form: _checked(Job(min(rows, XLSX_ROWS - 1) if form == "xlsx" else rows, repeats, form)) for form in SUFFIXES
    }
    return {
        "case": "formats",
        "machine": machine(),
        **results["csv"],
        "formats": {
            form: {
                "rows": each["rows"],
                "bytes": each["input"]["bytes"],
                "cpu_seconds": each["cpu_seconds"],
                "seconds": each["seconds"],
                "peak_memory_mb": each["peak_memory_mb"],
                "ratio_to_utf8": round(each["cpu_seconds"] / results["csv"]["cpu_seconds"] * rows / each["rows"], 2),
            }
            for form, each in results.items()
        },
    }


def growth_case(rows: int, repeats: int) -> Result:
    """Three tapes, each ten times the one before; the exponent of cost against rows (1 is linear)."""
    steps = [max(1, rows // 10**step) for step in reversed(range(GROWTH_STEPS))]
    results = {step: _checked(Job(step, repeats)) for step in steps}
    points = [(math.log(step), math.log(each["cpu_seconds"])) for step, each in results.items()]
    last, before = points[-1], points[-2]
    return {
        "case": "growth",
        "machine": machine(),
        **results[rows],
        "growth": {
            "cpu_seconds": {str(step): each["cpu_seconds"] for step, each in results.items()},
            "peak_memory_mb": {str(step): each["peak_memory_mb"] for step, each in results.items()},
            "exponent": round(_slope(points), 3),
            "exponent_of_last_step": round((last[1] - before[1]) / (last[0] - before[0]), 3),
        },
    }


def rivals_case(rows: int, repeats: int) -> Result:
    """The same tape in stock Great Expectations on pandas and in pandera on polars, beside the platform's whole way.

    They run what of the standard can be said in their terms, and must find of it just what the platform finds; what
    they leave out is told. The platform lands, judges, reports and writes accepted rows; they read, type and judge.
    """
    standard = load_standard()
    with scratch() as place:
        folder = place / "filing"
        tape = Tape(SHAPE, rows, kinds=ACCEPTABLE, defect_rate=Job.defect_rate)
        write_tape_filing(tape, folder, standard, "SLXJ01", PERIOD)
        file = folder / f"loan.{SUFFIXES[Job.form]}"
        runs: dict[str, list[Measured]] = {name: [] for name in (OURS, *RIVALS)}
        for number in range(repeats):  # in turn, so that what else the machine does burdens all alike
            home = place / f"home{number}"
            runs[OURS].append(run_work("check", [str(folder)], home))
            for name in RIVALS:
                runs[name].append(run_work("rival", [name, str(file)], home))
        size = file.stat().st_size
    ours = _engine(rows, runs[OURS])
    engines = {name: _engine(rows, each) for name, each in runs.items()}
    told = runs[next(iter(RIVALS))][0].said
    for name in RIVALS:
        _found_alike(name, runs[name][0].said, runs[OURS][0].said)
        engines[name] |= {
            f"{figure}_to_ours": round(engines[name][figure] / ours[figure], 2)
            for figure in ("cpu_seconds", "cpu_us_per_row_and_rule", "cpu_us_per_row_and_check")
        }
    return {
        "case": "rivals",
        "machine": machine(),
        "rows": rows,
        "repeats": repeats,
        "bytes": size,
        "findings_of_rules_run": sum(told["findings"].values()),
        "engines": engines,
        "checks_left_out_by_others": told["left_out"],
    }


def _engine(rows: int, runs: Sequence[Measured]) -> Result:
    first, cpu = runs[0].said, median([each.said["work_cpu_seconds"] for each in runs])
    return {
        "rules": first["rules"],
        "checks": first["checks"],
        "cpu_seconds": cpu,
        "seconds": median([each.said["work_seconds"] for each in runs]),
        "import_cpu_seconds": median([each.said["import_cpu_seconds"] for each in runs]),
        "peak_memory_mb": median([each.peak_memory_mb for each in runs]),
        "cpu_us_per_row_and_rule": round(cpu * 1e6 / rows / first["rules"], 4),
        "cpu_us_per_row_and_check": round(cpu * 1e6 / rows / first["checks"], 4),
    }


def _found_alike(name: str, rival: Mapping[str, Any], ours: Mapping[str, Any]) -> None:
    """Fail where an engine finds other than the platform by the rules that it ran: it did other work."""
    expected = {rule: count for rule, count in ours["findings"].items() if rule in rival["rules_run"]}
    if rival["findings"] != expected:
        raise JudgeError(
            "其他引擎的检查结果与本平台不一致，比较无效。",
            f"{name} finds other than the platform: no benchmark.",
            detail=f"{rival['findings']} / {expected}",
        )


def small_case(filings: int, repeats: int) -> Result:
    """So many filings of one notice each, decided by one worker: milliseconds of CPU a filing, and of a rerun."""
    filings = max(2, filings)  # the first is told apart: it makes what a worker makes once
    with scratch() as place:
        runs = [
            run_module("ingest.bench.small", ["--filings", str(filings), "--format", "json"], place / f"home{number}")
            for number in range(repeats)
        ]
    first = runs[0].said
    return {
        "case": "small",
        "machine": machine(),
        "filings": filings,
        "repeats": repeats,
        "verdicts": first["verdicts"],
        **{
            name: median([run.said[name] for run in runs])
            for name in ("first_filing_ms", "receive_ms", "decide_ms", "beyond_checks_ms")
        },
        **{
            name: {part: median([run.said[name].get(part, 0.0) for run in runs]) for part in first[name]}
            for name in ("parts_ms", "rerun_ms")
        },
        "seconds": median([run.seconds for run in runs]),
        "peak_memory_mb": median([run.peak_memory_mb for run in runs]),
    }


CASES = {
    "check": check_case,
    "bad": every_row_bad_case,
    "formats": formats_case,
    "growth": growth_case,
    "rivals": rivals_case,
    "small": small_case,
    "warehouse": warehouse_case,
    "across": across_case,
    "layout": layout_case,
}


def _checked(job: Job) -> Result:
    standard = load_standard()
    with scratch() as place:
        folder = place / "filing"
        tape = Tape(SHAPE, job.rows, job.defect_rate, job.kinds)
        write_tape_filing(tape, folder, standard, "SLXJ01", PERIOD, job.form, in_chinese=job.in_chinese)
        file = folder / f"loan.{SUFFIXES[job.form]}"
        plain = file
        if job.form != "csv":
            plain = place / "plain.csv"
            write_tape(tape, plain, standard, "csv", in_chinese=job.in_chinese)
        if job.defect_rate == 1:
            bare_source = place / "clean.csv"  # a typed load stops at the first bad cell
            write_tape(Tape(SHAPE, job.rows), bare_source, standard, "csv", in_chinese=job.in_chinese)
            plain = bare_source
        heads = "zh" if job.in_chinese else "en"
        bares, checks = [], []
        for number in range(job.repeats):  # in turn, so that what else the machine does burdens both alike
            home = place / f"home{number}"
            bares.append(run_work("bare", [str(plain), str(place / "bare.parquet"), heads], home))
            checks.append(run_work("check", [str(folder)], home))
        return _figures(job, file, bares, checks)


def _figures(job: Job, file: Path, bares: Sequence[Measured], checks: Sequence[Measured]) -> Result:
    first = checks[0].said
    if first["rows"] != job.rows:
        raise JudgeError("基准没有检查全部行。", f"{first['rows']} of {job.rows} rows were checked: no benchmark.")
    cpu = median([each.said["work_cpu_seconds"] for each in checks])
    bare = median([each.said["work_cpu_seconds"] for each in bares])
    return {
        "rows": job.rows,
        "rules": first["rules"],
        "repeats": job.repeats,
        "format": job.form,
        "input": {"bytes": file.stat().st_size, "sha256": file_digest(file)},
        "verdict": first["verdict"],
        "findings_total": first["findings_total"],
        "findings_told": first["findings_told"],
        "seconds": median([each.said["work_seconds"] for each in checks]),
        "cpu_seconds": cpu,
        "peak_memory_mb": median([each.peak_memory_mb for each in checks]),
        "bare_load": {
            "cpu_seconds": bare,
            "seconds": median([each.seconds for each in bares]),
            "peak_memory_mb": median([each.peak_memory_mb for each in bares]),
        },
        "ratio_to_bare_load": round(cpu / bare, 2),
        "gx_import_cpu_seconds": median([each.said["import_cpu_seconds"] for each in checks]),
        "phases_cpu_seconds": {
            phase: median([each.said["phases"].get(phase, 0.0) for each in checks]) for phase in first["phases"]
        },
    }


def _slope(points: Sequence[tuple[float, float]]) -> float:
    """Least squares."""
    mean_x, mean_y = (sum(column) / len(points) for column in zip(*points, strict=True))
    return float(sum((x - mean_x) * (y - mean_y) for x, y in points) / sum((x - mean_x) ** 2 for x, _ in points))
