"""Logs name the filing and hold no personal data; steps are written down; measures tell what happened."""

import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from filings import decide_all, judge_by, put, sale_notice, small_standard

from ingest import accept, check, lanes, receive, registry, registry_tables, telemetry
from ingest.dbt import DBT_PROJECT
from ingest.errors import JudgeError
from ingest.paths import Home
from ingest.telemetry import lineage
from ingest.telemetry.steps import KEPT_DAYS, read_steps

PHONE = "13812345678"
RESIDENT_ID = "11010119900307447X"
SECRETS = (PHONE, RESIDENT_ID)


class Heard:
    """A sink that keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str, float]] = []

    def count(self, name: str, value: int) -> None:
        self.told.append(("count", name, value))

    def gauge(self, name: str, value: float) -> None:
        self.told.append(("gauge", name, value))

    def seconds(self, name: str, value: float) -> None:
        self.told.append(("seconds", name, value))

    def named(self, name: str) -> list[float]:
        return [value for _, each, value in self.told if each == name]


@pytest.fixture
def heard() -> Iterator[Heard]:
    sink = Heard()
    telemetry.send_to(sink)
    yield sink
    telemetry.send_to(None)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    judge_by(monkeypatch, small_standard(["package_notice"], "NPL-SCH-005"))


def told(records: list[logging.LogRecord]) -> str:
    """All that any handler could print of these records."""
    return "\n".join(f"{record.getMessage()} {record.exc_info} {record.exc_text} {record.args}" for record in records)


def test_no_line_of_a_hostile_filing_holds_personal_data(
    npl_home: Home, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The file's name, a cell, a library that quotes the cell, and a fault whose traceback quotes it."""
    put(f"{PHONE} {RESIDENT_ID}", [sale_notice(remarks=f"{RESIDENT_ID} {PHONE}")])
    judged = check._judge_of_record

    def talkative(*arguments: Any) -> Any:
        logging.getLogger("some.library").warning("cannot cast %s", RESIDENT_ID)
        try:
            int(f"x{PHONE}")
        except ValueError:
            logging.getLogger("another.library").exception("row 2")
        return judged(*arguments)

    monkeypatch.setattr(check, "_judge_of_record", talkative)
    with caplog.at_level(logging.DEBUG):
        (filing_id,) = receive.receive_waiting()
        assert lanes.decide_lane([filing_id]) == {filing_id: "rejected"}
    assert "cannot cast ***" in told(caplog.records)
    assert "invalid literal" in told(caplog.records)
    for secret in SECRETS:
        assert secret not in told(caplog.records)
    assert not any(secret in text for secret in SECRETS for text in capfd.readouterr())
    logs = [file.read_text(encoding="utf-8") for file in npl_home.logs.rglob("*") if file.is_file()]
    assert logs
    assert not any(secret in text for secret in SECRETS for text in logs)


def test_a_fault_of_ours_that_quotes_a_cell_is_masked_in_log_error_and_registry(
    npl_home: Home, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    put("march", [sale_notice()])
    put("april", [sale_notice()], period="2026-04")
    first, second = receive.receive_waiting()

    def broken(work: Any, standard: Any, content: Any, *rest: Any) -> Any:
        if content.manifest.period == "2026-04":
            raise RuntimeError(f"cannot understand {PHONE}")
        raise JudgeError("坏了", "broken", detail=f"Could not convert {RESIDENT_ID}")

    monkeypatch.setattr(check, "_judge_of_record", broken)
    with caplog.at_level(logging.INFO), pytest.raises(Exception, match="1 filings could not be decided") as failure:
        lanes.decide_lane([first, second])
    # nothing hangs on what Airflow prints in full
    assert failure.value.__cause__ is None
    assert failure.value.__suppress_context__
    assert "cannot understand ***" in told(caplog.records)
    details = [row["detail"] for row in registry.rows_of(registry_tables.states) if row["state"] == "error"]
    assert details == ["Could not convert ***"]
    for secret in SECRETS:
        assert secret not in told(caplog.records) + str(failure.value)


def test_an_upload_that_cannot_be_taken_in_is_told_without_the_personal_data_in_its_name(
    npl_home: Home, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(f"{PHONE}.d", [sale_notice()])

    def full(path: Path) -> str:
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(receive, "content_digest", full)
    with pytest.raises(Exception, match="No space left") as failure:
        receive.receive_waiting()
    assert "No space left" in told(caplog.records)
    assert PHONE not in told(caplog.records) + str(failure.value)
    assert failure.value.__suppress_context__


LOG_AS_A_PROCESS = """
import logging
from ingest import telemetry
telemetry.configure()
with telemetry.about("SLXJ01-2026-03-0001-abcdef01"):
    logging.getLogger("asyncssh").info("renamed %s", "13812345678.zip", extra={"peer": "loopback"})
    try:
        int("11010119900307447X")
    except ValueError:
        logging.getLogger("ingest.sftp").exception("broken")
logging.getLogger("other").info("later")
"""


@pytest.mark.parametrize("log_format", ["json", "text"])
def test_a_process_of_our_own_logs_a_line_a_record(tmp_path: Path, log_format: str) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", LOG_AS_A_PROCESS],
        env={**os.environ, "NPL_HOME": str(tmp_path), "NPL_LOG_FORMAT": log_format},
        capture_output=True,
        text=True,
        check=True,
    )
    assert not any(secret in ran.stderr for secret in SECRETS)
    if log_format == "text":
        assert "renamed ***.zip" in ran.stderr
        assert "filing_id=SLXJ01-2026-03-0001-abcdef01" in ran.stderr
        return
    lines = [json.loads(line) for line in ran.stderr.splitlines()]
    assert [(line["event"].split("\n")[0], line.get("filing_id"), line["level"]) for line in lines] == [
        ("renamed ***.zip", "SLXJ01-2026-03-0001-abcdef01", "info"),
        ("broken", "SLXJ01-2026-03-0001-abcdef01", "error"),
        ("later", None, "info"),
    ]
    assert lines[0]["peer"] == "loopback"
    assert "ValueError" in lines[1]["event"]


def test_every_piece_of_work_is_written_down_with_its_steps(npl_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    put("march", [sale_notice()])
    ((filing_id, _),) = decide_all().items()
    monkeypatch.setattr(accept, "_decide", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        accept.decide(filing_id)
    received, decided, failed = read_steps(days=1)
    assert (received["work"], received["filing_id"], received["outcome"]) == ("receive", None, "done")
    assert (decided["work"], decided["filing_id"], decided["outcome"]) == ("decide", filing_id, "done")
    assert list(decided["steps"]) == ["read", "load", "judge", "report", "keep", "answer", "receipt"]
    assert 0 < sum(decided["steps"].values()) <= decided["seconds"] + 0.01
    assert failed["outcome"] == "failed"


def test_checking_before_filing_writes_nothing_down(npl_home: Home) -> None:
    check.check_path(put("march", [sale_notice()]), small_standard(["package_notice"]))
    assert not npl_home.logs.exists()


def test_old_days_of_steps_are_removed_and_half_a_line_is_passed_over(npl_home: Home) -> None:
    npl_home.steps.mkdir(parents=True)
    for number in range(KEPT_DAYS + 5):
        (npl_home.steps / f"2020-{1 + number // 28:02}-{1 + number % 28:02}.jsonl").write_text('{"work": "old"}\n{"wo')
    with telemetry.work("receive"):
        pass
    assert len(list(npl_home.steps.iterdir())) == KEPT_DAYS
    assert [line["work"] for line in read_steps(days=2)] == ["old", "receive"]


def test_a_log_of_steps_that_cannot_be_written_stops_no_filing(
    npl_home: Home, caplog: pytest.LogCaptureFixture
) -> None:
    npl_home.logs.parent.mkdir(parents=True)
    npl_home.logs.write_text("in the way")
    put("march", [sale_notice()])
    assert list(decide_all().values()) == ["accepted"]
    assert "is not written" in caplog.text


def test_measures_count_filings_by_verdict_their_age_findings_and_seconds_by_step(
    npl_home: Home, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    put("good", [sale_notice()])
    put("bad", [sale_notice(remarks=PHONE), sale_notice(notice_id="GG-2", remarks=PHONE)], sequence=2)
    decide_all()
    assert heard.named("npl.filings.accepted") == [1]
    assert heard.named("npl.filings.rejected") == [1]
    assert sum(heard.named("npl.findings.reject")) >= 2
    (age,) = heard.named("npl.filing_age.accepted")
    assert 0 <= age < 60
    assert len(heard.named("npl.step.decide")) == len(heard.named("npl.step.judge")) == 2
    # decided already: nothing is counted again
    decided = len(heard.named("npl.filings.accepted"))
    for record in registry.all_filings():
        accept.decide(record.filing_id)
    assert len(heard.named("npl.filings.accepted")) == decided


def test_a_collector_that_breaks_stops_no_filing(npl_home: Home, caplog: pytest.LogCaptureFixture) -> None:
    class Broken(Heard):
        def count(self, name: str, value: int) -> None:
            raise ConnectionError("gone")

    telemetry.send_to(Broken())
    try:
        put("march", [sale_notice()])
        assert list(decide_all().values()) == ["accepted"]
    finally:
        telemetry.send_to(None)
    assert "measures are not sent: gone" in caplog.text


def lineage_of(file: Path) -> list[dict[str, Any]]:
    """The events that the client's file transport has written, in their order."""
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def lineage_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    file = tmp_path / "lineage.jsonl"
    monkeypatch.setenv("OPENLINEAGE__TRANSPORT__TYPE", "file")
    monkeypatch.setenv("OPENLINEAGE__TRANSPORT__LOG_FILE_PATH", str(file))
    monkeypatch.setenv("OPENLINEAGE__TRANSPORT__APPEND", "true")
    lineage._client.cache_clear()
    yield file
    lineage._client.cache_clear()


def test_lineage_tells_which_filing_brought_which_rows_into_which_data_set(
    npl_home: Home, lineage_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(lineage.PARENT, "default/ingest_filings.decide/0196d8a0-0000-7000-8000-000000000001")
    put(PHONE, [sale_notice(), sale_notice(notice_id="GG-2")])
    (filing_id,) = decide_all()
    events = lineage_of(lineage_file)
    assert [(event["job"]["name"], event["eventType"]) for event in events] == [
        ("receive", "START"),
        ("receive", "COMPLETE"),
        ("decide", "START"),
        ("decide", "COMPLETE"),
    ]
    decided = events[-1]
    assert decided["run"]["runId"] == events[-2]["run"]["runId"]
    assert {each["namespace"] for each in decided["inputs"] + decided["outputs"]} == {"npl://npl-transaction-warehouse"}
    assert [each["name"] for each in decided["inputs"]] == ["landing"]
    assert [(each["name"], each["outputFacets"]["outputStatistics"]["rowCount"]) for each in decided["outputs"]] == [
        ("accepted/package_notice", 2)
    ]
    assert decided["run"]["facets"]["tags"]["tags"][0]["value"] == filing_id
    parent = decided["run"]["facets"]["parent"]
    assert (parent["job"]["namespace"], parent["job"]["name"]) == ("default", "ingest_filings.decide")
    assert parent["run"]["runId"] == "0196d8a0-0000-7000-8000-000000000001"
    assert PHONE not in json.dumps(events)


def test_lineage_of_work_that_fails_says_so_and_a_client_that_breaks_stops_nothing(
    npl_home: Home, lineage_file: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    @telemetry.work("publish")
    def publish() -> float:
        telemetry.writes(telemetry.Dataset("releases", version="2026-12-01-abcdef01"))
        return 1 / 0

    with pytest.raises(ZeroDivisionError):
        publish()
    failed = lineage_of(lineage_file)[-1]
    assert failed["eventType"] == "FAIL"
    assert failed["outputs"][0]["facets"]["version"]["datasetVersion"] == "2026-12-01-abcdef01"
    monkeypatch.setenv("OPENLINEAGE__TRANSPORT__TYPE", "no-such-transport")
    lineage._client.cache_clear()
    with telemetry.work("publish"):
        pass
    assert "lineage is not sent" in caplog.text


def test_without_a_transport_no_lineage_is_made(npl_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lineage, "_client", lambda: pytest.fail("a client was asked for"))
    with telemetry.work("publish"):
        telemetry.reads("warehouse")
    assert lineage._run.get() is None


def test_the_models_of_a_build_are_told_with_what_they_are_made_from(
    npl_home: Home, lineage_file: Path, tmp_path: Path
) -> None:
    """dbt's artifacts of one model and its source, as a build leaves them."""
    target = tmp_path / "target"
    target.mkdir()
    node = {
        "database": "npl",
        "schema": "staging",
        "alias": "stg_filings__package_notices",
        "name": "stg_filings__package_notices",
        "unique_id": "model.npl_warehouse.stg_filings__package_notices",
        "columns": {},
        "tags": [],
        "meta": {},
        "config": {"materialized": "view"},
        "compiled_code": "select 1",
        "resource_type": "model",
    }
    source = {**node, "schema": "accepted", "name": "package_notice", "identifier": "package_notice"}
    source["unique_id"] = "source.npl_warehouse.filings.package_notice"
    version = "https://schemas.getdbt.com/dbt/{}/v{}.json"
    manifest = {
        "metadata": {"dbt_schema_version": version.format("manifest", 12)},
        "nodes": {node["unique_id"]: node},
        "sources": {source["unique_id"]: source},
        "parent_map": {node["unique_id"]: [source["unique_id"]]},
        "exposures": {},
    }
    moment = {"started_at": "2026-12-01T00:00:00Z", "completed_at": "2026-12-01T00:00:01Z"}
    result = {
        "unique_id": node["unique_id"],
        "status": "success",
        "timing": [{"name": name, **moment} for name in ("compile", "execute")],
        "adapter_response": {},
    }
    results = {
        "metadata": {"dbt_schema_version": version.format("run-results", 6), "invocation_id": "x"},
        "args": {"which": "build", "profiles_dir": str(DBT_PROJECT)},
        "results": [result],
    }
    (target / "manifest.json").write_text(json.dumps(manifest))
    (target / "run_results.json").write_text(json.dumps(results))
    with telemetry.work("build"):
        telemetry.dbt_build(DBT_PROJECT, target)
    build, *told, end = lineage_of(lineage_file)
    assert (build["job"]["name"], end["eventType"]) == ("build", "COMPLETE")
    assert [event["eventType"] for event in told] == ["START", "COMPLETE"]
    assert told[-1]["inputs"][0]["name"] == "npl.accepted.package_notice"
    assert told[-1]["outputs"][0]["name"] == "npl.staging.stg_filings__package_notices"
    assert told[-1]["outputs"][0]["namespace"] == "npl://npl-transaction-warehouse"
    assert told[-1]["run"]["facets"]["parent"]["run"]["runId"] == build["run"]["runId"]
