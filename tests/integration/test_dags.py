"""The DAG files: what they are made of, and how they run in one process.

Airflow takes its settings when it is first imported, so it is never imported here: every test looks at a process.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from embedded_airflow import environment_of, prepare_inbox

from ingest.config import PROJECT_DIR
from ingest.paths import Home

DAG_IDS = ["build_warehouse", "filing_calendar", "ingest_filings", "publish_release", "replay_filings"]
TASKS = 16

DESCRIBE = """
import json, sys
from airflow.dag_processing.dagbag import DagBag
import airflow.sdk, airflow.providers.standard.operators.hitl
from dags.environment import DAGS_DIR
known = set(sys.modules)
bag = DagBag(DAGS_DIR, load_op_links=False)
added = [name for name in set(sys.modules) - known if not name.startswith(("airflow.", "unusual_prefix"))]
listed = lambda told: list(told) if isinstance(told, (list, tuple)) else [told] if told else []
heavy = sorted({"great_expectations", "dbt", "duckdb", "pandas"} & set(sys.modules))
import datetime
from ingest import registry
ready = bag.dags["publish_release"].task_dict["ready"].python_callable
def asked(day, wait):
    registry.utc_now = lambda: datetime.datetime.fromisoformat(day)
    try:
        return [each["period"] for each in ready({"wait": wait})]
    except Exception as error:
        return f"{type(error).__name__}: {error}"
print("DESCRIBED " + json.dumps({
    "import_errors": bag.import_errors,
    "heavy_modules": heavy,
    "asked": {"waiting": asked("2026-11-05", True), "at_once": asked("2026-11-05", False),
              "cut_off": asked("2026-11-21", True)},
    "added_modules": sorted(added),
    "dags": {dag.dag_id: {
        "waits_for": [asset.name for asset in getattr(dag.timetable.asset_condition, "objects", [])],
        "cron": getattr(dag.timetable, "expression", None) or getattr(dag.timetable, "_expression", None),
        "zone": str(dag.timezone),
        "catchup": dag.catchup,
        "max_active_runs": dag.max_active_runs,
        "doc": dag.doc_md or "",
        "tags": sorted(dag.tags),
        "deadlines": [[alert.reference.reference_name, alert.interval.total_seconds(), alert.callback.path]
                      for alert in dag.deadline or ()],
        "params": {name: dag.params.get_param(name).dump() for name in dag.params},
        "periodic": dag.timetable.__class__.__name__,
        "tasks": {task.task_id: {
            "owner": task.owner, "retries": task.retries, "backoff": task.retry_exponential_backoff,
            "pool": task.pool, "upstream": sorted(task.upstream_task_ids), "is_mapped": task.is_mapped,
            "label": getattr(task, "map_index_template", None), "trigger_rule": str(task.trigger_rule.value),
            "timeout": task.execution_timeout.total_seconds() if task.execution_timeout else None,
            "told_of_failure": [call.__name__ for call in listed(task.on_failure_callback)],
            "links": [link.name for link in getattr(task, "operator_extra_links", ())],
            "writes": [asset.name for asset in task.outlets],
        } for task in dag.tasks},
    } for dag in bag.dags.values()},
}))
"""


@pytest.fixture(scope="module")
def described(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What Airflow makes of the DAG files, without a database; and when `ready` lets a release go out, where one
    institution that is not invented takes part since October and has filed nothing."""
    home = Home(tmp_path_factory.mktemp("described"))
    home.register.mkdir()
    home.warehouse.parent.mkdir()
    home.warehouse.touch()
    joined = "institution_id,valid_from,valid_to,source\nICBC,2026-10-01,,one that is not invented\n"
    (home.register / "participation.csv").write_text(joined, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", DESCRIBE],
        cwd=PROJECT_DIR,
        env=environment_of(home.root),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("DESCRIBED ")]
    assert lines, done.stdout + done.stderr
    return json.loads(lines[-1].removeprefix("DESCRIBED "))


def tasks_of(described: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        f"{dag_id}.{task_id}": task
        for dag_id, dag in described["dags"].items()
        for task_id, task in dag["tasks"].items()
    }


def test_the_bag_holds_exactly_these_dags_and_every_file_imports(described: dict[str, Any]) -> None:
    assert described["import_errors"] == {}
    assert sorted(described["dags"]) == DAG_IDS


def test_loading_the_dag_files_imports_nothing_heavy(described: dict[str, Any]) -> None:
    assert described["dags"], "an empty bag imports nothing, which would prove nothing"
    assert described["heavy_modules"] == []
    # counted and not timed: the DAG processor reads every file again each minute, on machines of all kinds
    assert {name.partition(".")[0] for name in described["added_modules"]} <= {"dags", "packaging"}
    assert len(described["added_modules"]) < 20, described["added_modules"]


def test_every_task_has_an_owner_and_retries_with_growing_pauses(described: dict[str, Any]) -> None:
    tasks = tasks_of(described)
    assert len(tasks) == TASKS
    assert {name for name, task in tasks.items() if task["owner"] != "platform"} == set()
    assert {name for name, task in tasks.items() if task["retries"] < 1 or task["backoff"] <= 1} == set()


def test_every_dag_explains_itself_and_runs_once_at_a_time(described: dict[str, Any]) -> None:
    for dag_id, dag in described["dags"].items():
        assert len(dag["doc"]) > 300, dag_id
        assert all(f"`{task_id}`" in dag["doc"] for task_id in dag["tasks"]), dag_id
        assert "npl" in dag["tags"], dag_id
        assert dag["max_active_runs"] == 1, dag_id
        assert dag["catchup"] is False, dag_id


def test_filings_are_taken_every_ten_minutes_by_beijing_time(described: dict[str, Any]) -> None:
    ingest = described["dags"]["ingest_filings"]
    assert (ingest["cron"], ingest["zone"]) == ("*/10 * * * *", "Asia/Shanghai")


def test_institutions_are_reminded_every_morning_by_beijing_time(described: dict[str, Any]) -> None:
    calendar = described["dags"]["filing_calendar"]
    assert (calendar["cron"], calendar["zone"]) == ("0 8 * * *", "Asia/Shanghai")
    assert list(calendar["tasks"]) == ["remind", "resend_alerts"]


def test_assets_lead_from_the_filings_to_the_warehouse_and_on_to_the_release(described: dict[str, Any]) -> None:
    tasks = tasks_of(described)
    writers = {name: task["writes"] for name, task in tasks.items() if task["writes"]}
    assert writers == {
        "ingest_filings.announce": ["npl_accepted", "npl_filings"],
        "build_warehouse.build": ["npl_warehouse"],
        "publish_release.publish": ["npl_release"],
        "replay_filings.carry_out": ["npl_accepted"],
    }
    waits = {dag_id: dag["waits_for"] for dag_id, dag in described["dags"].items() if dag["waits_for"]}
    assert waits == {"build_warehouse": ["npl_accepted"], "publish_release": ["npl_warehouse"]}


def test_each_lane_is_decided_by_a_task_that_bears_the_name_of_its_first_filing(described: dict[str, Any]) -> None:
    tasks = described["dags"]["ingest_filings"]["tasks"]
    assert {name: task["upstream"] for name, task in tasks.items()} == {
        "receive": [],
        "decide": ["receive"],
        "announce": ["decide"],
        "data_docs": ["decide"],
        "operator_page": ["decide"],
    }
    assert {name for name, task in tasks.items() if task["is_mapped"]} == {"decide"}
    assert tasks["decide"]["label"].startswith("{{ lane[0] }}")
    assert tasks["announce"]["trigger_rule"] == "none_failed"
    assert tasks["operator_page"]["trigger_rule"] == "all_done"


def test_filers_are_told_of_the_other_side_once_the_warehouse_is_built(described: dict[str, Any]) -> None:
    assert tasks_of(described)["build_warehouse.reconcile"]["upstream"] == ["build"]


def test_only_what_writes_or_copies_the_warehouse_takes_the_writers_pool(described: dict[str, Any]) -> None:
    pools = {name for name, task in tasks_of(described).items() if task["pool"] == "warehouse"}
    assert pools == {"build_warehouse.build", "publish_release.publish", "replay_filings.look"}


def test_a_failed_task_and_a_late_run_are_told_to_the_operator(described: dict[str, Any]) -> None:
    tasks = tasks_of(described)
    assert len(tasks) == TASKS
    assert {name for name, task in tasks.items() if task["told_of_failure"] != ["task_failed"]} == set()
    assert {name for name, task in tasks.items() if not task["timeout"]} == set()
    for dag_id, dag in described["dags"].items():
        ((reference, seconds, callback),) = dag["deadlines"]
        assert reference == "DagRunQueuedAtDeadline", dag_id
        assert 0 < seconds <= 2 * 86400, dag_id
        # the executor imports it by name: it must not live in a DAG file
        assert callback == "dags.callbacks.run_is_late", dag_id


def test_every_parameter_has_a_form_in_both_languages(described: dict[str, Any]) -> None:
    params = {
        f"{dag_id}.{name}": param for dag_id, dag in described["dags"].items() for name, param in dag["params"].items()
    }
    assert set(params) == {
        "filing_calendar.day",
        "publish_release.wait",
        "replay_filings.mode",
        "replay_filings.period",
        "replay_filings.proposal",
    }
    for name, param in params.items():
        assert "type" in param["schema"], name
        for text in (param["schema"]["title"], param["schema"].get("description") or param["description"]):
            zh, _, en = text.partition(" · ")
            assert re.search("[\u4e00-\u9fff]", zh), name
            assert en, name


def test_a_release_is_looked_at_each_night_when_a_cut_off_may_have_passed(described: dict[str, Any]) -> None:
    publish = described["dags"]["publish_release"]
    assert publish["periodic"] == "AssetOrTimeSchedule"
    assert publish["tasks"]["publish"]["upstream"] == ["ready"]
    assert publish["tasks"]["publish"]["links"] == ["结果 Result"]


def test_a_release_waits_for_who_owes_until_the_cut_off_unless_told_not_to(described: dict[str, Any]) -> None:
    asked = described["asked"]
    assert asked["waiting"] == "AirflowSkipException: 等待报送 / waiting for filings of 2026-10: ICBC"
    assert "2026-10" in asked["at_once"]
    assert "2026-10" in asked["cut_off"]


def test_a_replay_is_carried_out_only_behind_an_approval_and_can_be_backfilled(described: dict[str, Any]) -> None:
    replay = described["dags"]["replay_filings"]
    assert {name: task["upstream"] for name, task in replay["tasks"].items()} == {
        "look": [],
        "changes": ["look"],
        "approve": ["changes"],
        "carry_out": ["approve", "look"],
    }
    assert {task["trigger_rule"] for task in replay["tasks"].values()} == {"all_success"}
    assert (replay["periodic"], replay["params"]["mode"]["value"]) == ("CronDataIntervalTimetable", "dry")


def run_in_process(home: Path, **environment: str) -> tuple[int, list[dict[str, Any]], str]:
    """Exit code, events, and the text of the log."""
    done = subprocess.run(
        [sys.executable, "-m", "dags.run_in_process"],
        cwd=PROJECT_DIR,
        env={**os.environ, "NPL_HOME": str(home), **environment},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.stderr == ""
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert events, "no event at all"
    log = Path(events[0]["log"]).read_text(encoding="utf-8")
    return done.returncode, events, log


def finished(events: list[dict[str, Any]], task_id: str) -> list[dict[str, Any]]:
    return [event for event in events if event["event"] == "task_finished" and event["task_id"] == task_id]


def is_told_as_lineage(file: Path, filings: int) -> None:
    """Airflow's provider tells of the tasks, and under them we tell of filings, models and the release."""
    events = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    done = [event for event in events if event["eventType"] == "COMPLETE"]
    tasks = {event["run"]["runId"]: event["job"]["name"] for event in done}
    parents = [
        (event["job"]["name"], tasks.get(event["run"]["facets"]["parent"]["run"]["runId"]))
        for event in done
        if event["job"]["namespace"].startswith("npl://") and "facets" in event["run"]
    ]
    assert parents.count(("decide", "ingest_filings.decide")) == filings
    assert ("build", "build_warehouse.build") in parents
    assert ("publish", "publish_release.publish") in parents
    made = {each["name"]: event for event in done for each in event["outputs"]}
    assert {"accepted/package_notice", "releases", "warehouse"} <= made.keys()
    activity = made["npl.market.quarterly_activity"]
    assert "npl.market.activity_cells" in {each["name"] for each in activity["inputs"]}
    assert tasks[activity["run"]["facets"]["parent"]["run"]["runId"]] == "build"


@pytest.mark.slow
def test_the_run_in_one_process_reports_each_filing_and_a_second_run_finds_nothing_new(tmp_path: Path) -> None:
    filings = prepare_inbox(tmp_path)
    lineage = tmp_path / "lineage.jsonl"
    code, events, log = run_in_process(
        tmp_path,
        OPENLINEAGE__TRANSPORT__TYPE="file",
        OPENLINEAGE__TRANSPORT__LOG_FILE_PATH=str(lineage),
        OPENLINEAGE__TRANSPORT__APPEND="true",
    )
    assert code == 0, log[-4000:]
    is_told_as_lineage(lineage, filings)
    states = [(event["dag_id"], event["state"]) for event in events if event["event"] == "dag_finished"]
    assert states == [("ingest_filings", "success"), ("build_warehouse", "success"), ("publish_release", "success")]
    (received,) = finished(events, "receive")
    decided = finished(events, "decide")
    (lane,) = received["value"]
    assert len(lane) == filings
    assert [(event["label"], event["value"]) for event in decided] == [
        (f"{lane[0]} + {filings - 1}", dict.fromkeys(lane, "accepted"))
    ]
    told = [event["filing_id"] for event in events if event["event"] == "filing_decided"]
    assert told == lane
    # and every line that was logged of a filing names it, as a field
    assert all(f"filing_id={each}" in log for each in lane)
    kinds = [event.get("task_id", event["event"]) for event in events]
    assert kinds.index("filing_decided") < kinds.index("decide"), "told while its lane is still being decided"
    (published,) = finished(events, "publish")
    assert Home(tmp_path).release(published["value"]).is_dir()

    code, events, log = run_in_process(tmp_path)
    assert code == 0, log[-4000:]
    assert [event["value"] for event in finished(events, "receive")] == [[]]
    assert finished(events, "decide") == []
    assert [event["state"] for event in finished(events, "announce")] == ["skipped"]
    assert [event["value"] for event in finished(events, "publish")] == [published["value"]]


@pytest.mark.slow
def test_a_task_that_fails_ends_the_run_with_code_3_and_names_the_log(tmp_path: Path) -> None:
    Home(tmp_path).warehouse.parent.write_text("a file where the folder must be", encoding="utf-8")
    code, events, log = run_in_process(tmp_path)
    assert code == 3
    (build,) = finished(events, "build")
    assert build["state"] == "failed"
    assert build["error"]
    assert finished(events, "publish") == [], "what follows a failed DAG must not run"
    assert events[-1]["event"] == "failed"
    assert "build_warehouse" in events[-1]["zh"]
    assert "build_warehouse" in events[-1]["en"]
    assert "Traceback" in log
