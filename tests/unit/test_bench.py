"""`npl bench` runs the real path and says what it promises to say."""

import json
import time

import pytest
from typer.testing import CliRunner

from ingest.bench import work
from ingest.bench.cases import CASES, _slope
from ingest.cli import app
from ingest.cli_bench import BenchCase


def test_a_case_is_checked_end_to_end_and_compared_with_a_bare_load() -> None:
    outcome = CliRunner().invoke(app, ["bench", "--rows", "300", "--repeats", "1", "--format", "json"])
    assert outcome.exit_code == 0, outcome.output
    said = json.loads(outcome.stdout)
    assert {"machine", "rows", "ratio_to_bare_load", "seconds", "peak_memory_mb"} <= said.keys()
    assert said["rows"] == 300
    assert said["verdict"] in ("accepted", "accepted_with_holds")
    assert said["ratio_to_bare_load"] == pytest.approx(said["cpu_seconds"] / said["bare_load"]["cpu_seconds"], rel=0.05)
    assert {phase for phase, *_ in work.PHASES} <= said["phases_cpu_seconds"].keys()
    assert sum(said["phases_cpu_seconds"].values()) == pytest.approx(said["cpu_seconds"], rel=0.05)


def test_small_filings_are_all_decided_and_their_cost_is_told_by_part() -> None:
    options = ["bench", "--case", "small", "--rows", "2", "--repeats", "1", "--format", "json"]
    outcome = CliRunner().invoke(app, options)
    assert outcome.exit_code == 0, outcome.output
    said = json.loads(outcome.stdout)
    assert said["verdicts"] == {"accepted": 2}
    assert sum(said["parts_ms"].values()) == pytest.approx(said["decide_ms"], abs=1)
    assert said["beyond_checks_ms"] == pytest.approx(said["decide_ms"] - said["parts_ms"]["checks"], abs=0.5)
    assert all(0 < cost < said["decide_ms"] for cost in said["rerun_ms"].values())


def test_every_case_can_be_asked_for() -> None:
    assert {case.value for case in BenchCase} == CASES.keys()


def test_a_phase_inside_another_is_counted_once() -> None:
    clock = work.Clock()

    def busy() -> None:
        end = time.process_time() + 0.05
        while time.process_time() < end:
            pass

    inner = clock.timed("inner", busy)

    def both() -> None:
        busy()
        inner()

    clock.timed("outer", both)()
    assert clock.spent["inner"] == pytest.approx(0.05, abs=0.04)
    assert clock.spent["outer"] == pytest.approx(0.05, abs=0.04)


def test_the_exponent_of_linear_growth_is_one() -> None:
    assert _slope([(1.0, 3.0), (2.0, 4.0), (3.0, 5.0)]) == pytest.approx(1)
    assert _slope([(1.0, 3.0), (2.0, 5.0), (3.0, 7.0)]) == pytest.approx(2)
