"""The same DAG files under Airflow's own scheduler, over PostgreSQL: one platform, on one home, for all tests here.

They come in the order of the file: each goes on with what the one before it has left.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from embedded_airflow import prepare_inbox
from filings import decide_one, judge_by, put, sale_notice
from served_platform import ServedPlatform, served_platform

from expectations.spec import Standard, load_standard
from ingest import registry, registry_tables, release
from ingest.config import PROJECT_DIR, settings
from ingest.paths import Home

DAG_IDS = ["build_warehouse", "filing_calendar", "ingest_filings", "publish_release", "replay_filings"]
TIE_RULE = "NPL-PKG-040"
PATIENCE = 600
"""Seconds until a step counts as stuck; on an idle machine the longest takes less than a minute."""
BROKEN_TIE = {"principal_interest_cny": "77375977.30", "claim_total_cny": ""}

pytestmark = [pytest.mark.slow, pytest.mark.platform]


def yesterday() -> Standard:
    """Today's standard without a rule that a filing of these tests breaks."""
    today = load_standard()
    rules = {rule_id: rule for rule_id, rule in today.rules.items() if rule_id != TIE_RULE}
    return Standard(
        today.head, today.all_tables, today.codes, rules, today.macros, "0" * 64, today.directory, today.registers
    )


class Platform:
    """The Airflow under test and the home that it works on, which is the home of this process as well."""

    def __init__(self, served: ServedPlatform) -> None:
        self.served, self.api, self.home = served, served.api, Home(served.home)
        with pytest.MonkeyPatch.context() as before:
            judge_by(before, yesterday())
            put("tie", [sale_notice(**BROKEN_TIE)])
            self.tied, state = decide_one()
            assert state == "accepted"
        self.waiting = prepare_inbox(served.home)

    def turn_on(self, *dag_ids: str) -> None:
        for dag_id in dag_ids:
            self.api.call("PATCH", f"/api/v2/dags/{dag_id}", {"is_paused": False})

    def trigger(self, dag_id: str, **conf: Any) -> str:
        self.turn_on(dag_id)
        body = {"logical_date": None, "conf": conf}
        return str(self.api.call("POST", f"/api/v2/dags/{dag_id}/dagRuns", body)["dag_run_id"])

    def wait_for_run(self, dag_id: str, run_id: str) -> None:
        def is_done() -> bool:
            state = self.api.call("GET", f"/api/v2/dags/{dag_id}/dagRuns/{run_id}")["state"]
            assert state != "failed", self.states(dag_id, run_id)
            return bool(state == "success")

        def told() -> str:
            return f"{dag_id} {run_id} succeeds; its tasks: {self.states(dag_id, run_id)}"

        self.served.wait_until(told, is_done, PATIENCE)

    def states(self, dag_id: str, run_id: str) -> dict[str, str]:
        found = self.api.call("GET", f"/api/v2/dags/{dag_id}/dagRuns/{run_id}/taskInstances")["task_instances"]
        return {each["task_id"]: each["state"] for each in found}

    def ask(self, run_id: str) -> dict[str, Any]:
        """What a replay's run asks for once it waits for a person."""
        asked: list[dict[str, Any]] = []

        def is_asked() -> bool:
            asked[:] = self.api.call("GET", f"/api/v2/dags/replay_filings/dagRuns/{run_id}/hitlDetails")["hitl_details"]
            return bool(asked) and self.states("replay_filings", run_id)["approve"] == "awaiting_input"

        self.served.wait_until("a person is asked", is_asked, PATIENCE)
        self.served.wait_until("the scheduler knows that the worker is free", lambda: self.is_parked(run_id), PATIENCE)
        return asked[0]

    def is_parked(self, run_id: str) -> bool:
        """Whether the scheduler has heard that the worker put the question and left.

        Who answers within the fraction of a second before that is asked a second time: Airflow 3.3.2 takes the
        worker's end for that of the task queued anew by the answer, and retries it with the answer forgotten.
        """
        log = (self.home.root / "scheduler.out").read_text(encoding="utf-8", errors="replace")
        return re.search(rf"TaskInstance Finished:.*task_id=approve, run_id={re.escape(run_id)},", log) is not None

    def answer(self, run_id: str, option: str) -> None:
        place = f"/api/v2/dags/replay_filings/dagRuns/{run_id}/taskInstances/approve/-1/hitlDetails"
        self.api.call("PATCH", place, {"chosen_options": [option], "params_input": {"reason": "rule corrected"}})


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """Filings of two institutions wait, and one is in force that today's rules reject."""
    folder = tmp_path_factory.mktemp("airflow")
    with pytest.MonkeyPatch.context() as patch, served_platform(folder / "home") as served:
        patch.setenv("NPL_HOME", str(folder / "home"))
        patch.setenv("NPL_REGISTRY_URL", served.environment["NPL_REGISTRY_URL"])
        settings.cache_clear()
        platform = Platform(served)
        served.wait_until("the DAGs are known", lambda: platform.api.dag_ids() == DAG_IDS, PATIENCE)
        assert platform.api.call("GET", "/api/v2/importErrors")["total_entries"] == 0
        # the others when their turn comes: what runs beside costs time on a small machine
        platform.turn_on("build_warehouse", "publish_release")
        yield platform
        registry._engine.cache_clear()
    settings.cache_clear()


def test_an_empty_home_goes_from_inbox_to_release_by_itself(platform: Platform) -> None:
    api = platform.api
    pools = {pool["name"]: pool["slots"] for pool in api.call("GET", "/api/v2/pools")["pools"]}
    assert pools["warehouse"] == 1
    run_id = platform.trigger("ingest_filings")

    def is_published() -> bool:
        runs = [run for dag_id in DAG_IDS for run in api.runs(dag_id)]
        assert not [run for run in runs if run["state"] == "failed"]
        published = [run for run in runs if run["dag_id"] == "publish_release" and run["state"] == "success"]
        return any(run["run_type"] == "asset_triggered" for run in published)

    platform.served.wait_until("a release is published", is_published, PATIENCE)
    # The schedule may have been faster than our trigger: then it was its run that decided.
    instances = [
        instance
        for run in api.runs("ingest_filings")
        for instance in api.call(
            "GET", f"/api/v2/dags/ingest_filings/dagRuns/{run['dag_run_id']}/taskInstances?task_id=decide"
        )["task_instances"]
        if instance["state"] == "success"
    ]
    assert run_id in {run["dag_run_id"] for run in api.runs("ingest_filings")}
    assert len(instances) == platform.waiting
    assert all(instance["rendered_map_index"] for instance in instances)
    assert release.latest() is not None


def test_events_of_assets_tell_institution_and_period_and_where_the_release_lies(platform: Platform) -> None:
    events = platform.api.call("GET", "/api/v2/assets/events?limit=100")["asset_events"]
    touched = {event["partition_key"] for event in events if event["name"] == "npl_filings"}
    assert len(touched) == platform.waiting
    assert all(key.endswith("|2026-05") for key in touched), touched
    published = next(event for event in events if event["name"] == "npl_release")
    assert published["extra"]["release"] == release.latest()
    run = next(run for run in platform.api.runs("publish_release") if run["run_type"] == "asset_triggered")
    links = platform.api.call(
        "GET", f"/api/v2/dags/publish_release/dagRuns/{run['dag_run_id']}/taskInstances/publish/links"
    )["extra_links"]
    assert links == {"结果 Result": Path(published["extra"]["page"]).as_uri()}
    assert Path(published["extra"]["page"]).is_file()


def test_the_calendar_reminds_on_the_day_that_its_form_names(platform: Platform) -> None:
    run_id = platform.trigger("filing_calendar", day="2026-05-26")
    platform.wait_for_run("filing_calendar", run_id)
    notices = list(platform.home.outbox.glob("*/calendar/*-missing-*.txt"))
    assert notices
    assert "逾期未报" in notices[0].read_text(encoding="utf-8")


def test_history_is_looked_at_by_period_from_the_command_line(platform: Platform) -> None:
    command = "backfill create --dag-id replay_filings --from-date 2026-02-01 --to-date 2026-03-31 --max-active-runs 1"
    platform.turn_on("replay_filings")
    done = subprocess.run(
        [sys.executable, "-m", "airflow", *command.split()],
        cwd=PROJECT_DIR,
        env=platform.served.environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    runs = [run for run in platform.api.runs("replay_filings") if run["run_type"] == "backfill"]
    assert len(runs) == 2
    for run in runs:
        platform.wait_for_run("replay_filings", run["dag_run_id"])
        assert platform.states("replay_filings", run["dag_run_id"])["carry_out"] == "skipped"
    reports = [json.loads(path.read_bytes()) for path in platform.home.replays.glob("dry-*/dry_run.json")]
    # the schedule's own run looks at the month before today
    assert {"2026-02": 0, "2026-03": 1}.items() <= {report["period"]: report["changed"] for report in reports}.items()


def test_a_rejected_replay_changes_nothing(platform: Platform) -> None:
    before = registry.log_size()
    run_id = platform.trigger("replay_filings", mode="real", period="2026-03")
    asked = platform.ask(run_id)
    assert "accepted → rejected: 1" in asked["body"]
    platform.answer(run_id, "Reject")
    platform.wait_for_run("replay_filings", run_id)
    assert platform.states("replay_filings", run_id)["carry_out"] == "skipped"
    assert registry.log_size() == before


def test_an_approved_replay_makes_a_new_release_and_leaves_the_old_one_as_it_was(platform: Platform) -> None:
    old = release.latest()
    assert old is not None
    run_id = platform.trigger("replay_filings", mode="real", period="2026-03")
    platform.ask(run_id)
    platform.answer(run_id, "Approve")
    platform.wait_for_run("replay_filings", run_id)
    found = registry.find(f"{platform.tied}-r1")
    assert found is not None
    assert found.state == "rejected"
    (approval,) = registry.rows_of(registry_tables.replays)
    assert approval["approved_by"]
    assert approval["reason"] == "rule corrected"
    platform.served.wait_until("a release follows", lambda: release.latest() != old, PATIENCE)
    assert release.verify(old) == []
    told = release.compare(release.find_release(old), release.find_release(None))
    (superseded,) = told["filings"]["superseded"]
    assert (superseded["filing"], superseded["by"]) == (platform.tied, found.filing_id)
    query = "select coalesce(sum(listed_count), 0) from market.quarterly_activity where breakdown = 'all'"
    assert listed(query, old) == listed(query, None) + 1


def test_a_run_that_is_not_done_by_its_deadline_is_told_to_the_operator(platform: Platform) -> None:
    home = platform.home
    put("tie again", [sale_notice(**BROKEN_TIE, notice_id="GG-77", project_code="SLXJ01-2026-77")], sequence=7)
    with pytest.MonkeyPatch.context() as before:
        judge_by(before, yesterday())
        assert decide_one()[1] == "accepted"
    run_id = platform.trigger("replay_filings", mode="real", period="2026-03")
    platform.ask(run_id)
    with psycopg.connect(platform.served.postgres.url("airflow", "airflow").replace("+psycopg", "")) as database:
        moved = database.execute(
            "update deadline set deadline_time = '2026-01-01T00:00:00Z' where dagrun_id = "
            "(select id from dag_run where run_id = %s)",
            [run_id],
        )
        assert moved.rowcount == 1
    told = home.alerts / f"late-replay_filings-{run_id.replace(':', '_')}.txt"
    platform.served.wait_until("the operator is told", told.exists, PATIENCE)
    assert "运行超时未完成" in told.read_text(encoding="utf-8")
    platform.answer(run_id, "Reject")
    platform.wait_for_run("replay_filings", run_id)


def listed(query: str, release_id: str | None) -> int:
    _, rows = release.query(query, release_id)
    return int(rows[0][0])
