"""`npl bench` runs the real path and says what it promises to say."""

import json
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from expectations.spec import load_standard
from ingest.bench import accepted_zone, across, work
from ingest.bench.cases import CASES, SHAPE, _engine, _found_alike, _slope
from ingest.bench.measure import Measured, run_work
from ingest.check import check_path
from ingest.cli import app
from ingest.cli_bench import BenchCase
from ingest.errors import JudgeError
from ingest.paths import Home
from ingest.synthetic_tape import Tape, write_tape


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


def test_peak_memory_is_that_of_the_measured_program_and_not_of_who_started_it(tmp_path: Path) -> None:
    tape = tmp_path / "loan.csv"
    write_tape(Tape(SHAPE, 100), tape, load_standard(), "csv", in_chinese=False)
    held = bytearray(b"x" * (600 << 20))
    measured = run_work("bare", [str(tape), str(tmp_path / "loan.parquet"), "en"], tmp_path)
    assert 20 < measured.peak_memory_mb < 500 < len(held) >> 20


def test_the_exponent_of_linear_growth_is_one() -> None:
    assert _slope([(1.0, 3.0), (2.0, 4.0), (3.0, 5.0)]) == pytest.approx(1)
    assert _slope([(1.0, 3.0), (2.0, 5.0), (3.0, 7.0)]) == pytest.approx(2)


def test_a_filing_of_loans_that_were_sold_already_is_found_among_the_accepted_ones(
    npl_home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accepted_zone, "MOULD_LOANS", 60)
    monkeypatch.setattr(accepted_zone, "SIZES", (30,))
    monkeypatch.setattr(across, "FILED_LOANS", 30)
    monkeypatch.setattr("ingest.near.NEAR_FROM_BYTES", 0)
    accepted_zone.write_zone(list(accepted_zone.bulks(90)), tmp_path / "mould.parquet")
    across.make_filing(tmp_path / "sold", "sold", 1)
    across.make_filing(tmp_path / "new", "new", 1)
    sold, new = (check_path(tmp_path / kind, load_standard()) for kind in ("sold", "new"))
    assert {rule.rule_id: rule.count for rule in sold.rules}[across.DOUBLE_SALE] == 30
    assert across.DOUBLE_SALE not in {rule.rule_id for rule in new.rules}
    assert new.tables[0].rows == 30


@pytest.mark.parametrize("found", [{"NPL-LOA-032": 1}, {}, {"NPL-LOA-032": 2, "NPL-LOA-033": 1}])
def test_an_engine_that_finds_something_else_is_not_compared(found: dict[str, int]) -> None:
    ours = {"findings": {"NPL-LOA-032": 2, "NPL-LOA-069": 1}}
    ran = ["NPL-LOA-032", "NPL-LOA-033"]
    _found_alike("other", {"findings": {"NPL-LOA-032": 2}, "rules_run": ran}, ours)
    with pytest.raises(JudgeError, match="no benchmark"):
        _found_alike("other", {"findings": found, "rules_run": ran}, ours)


def test_cost_is_told_by_row_and_rule_from_the_middle_run() -> None:
    said = {"work_seconds": 1.0, "import_cpu_seconds": 5.0, "rules": 4, "checks": 10}
    runs = [Measured(0.0, 0.0, 100.0, said | {"work_cpu_seconds": cpu}) for cpu in (9.0, 2.0, 1.0)]
    told = _engine(1_000, runs)
    assert told["cpu_seconds"] == 2.0
    assert told["cpu_us_per_row_and_rule"] == pytest.approx(500)
    assert told["cpu_us_per_row_and_check"] == pytest.approx(200)
