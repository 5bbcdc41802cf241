"""Under the real scheduler, over PostgreSQL: killed in every part in the middle, everything ends exactly once.

`NPL_TEST_FILINGS` says how many filings are dropped at once, by 20 institutions.
"""

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest
from exactly_once import STATES, recorded
from many_filings import INSTITUTIONS_COUNT, drop, register_filers, write_filings
from served_platform import ServedPlatform, served_platform

from ingest import registry, registry_tables, warehouse
from ingest.backup import back_up, restore
from ingest.config import PROJECT_DIR, settings
from ingest.paths import Home, file_digest, home
from ingest.receipts.audit import log_problems
from ingest.receipts.keys import published_keys
from ingest.release import find_release, verify
from ingest.release.folder import manifest_of
from ingest.report.answer import REPORT_JSON

pytestmark = pytest.mark.platform

FILINGS = int(os.environ.get("NPL_TEST_FILINGS", "200"))
# Alone in its process, as on one machine without a scheduler: what the run with kills is compared with.
WITHOUT_KILLS = """
from ingest import warehouse
from ingest.lanes import decide_lane, lanes
from ingest.receive import receive_waiting
for lane in lanes(receive_waiting(), 1):
    decide_lane(lane)
warehouse.build()
"""
PATIENCE = 1800  # seconds; a test of what is right, not of how fast


@dataclass(frozen=True)
class Ran:
    """A home on which everything has ended, and the registry that speaks for it (empty: SQLite in the home)."""

    home: Home
    registry_url: str
    fates: Counter[str]
    restarts: Counter[str]
    platform: ServedPlatform | None = None


def use(root: Path, registry_url: str = "") -> None:
    os.environ.update(NPL_HOME=str(root), NPL_REGISTRY_URL=registry_url, NPL_SETTLE_SECONDS="0")
    settings.cache_clear()
    registry._prepared.clear()


@pytest.fixture(scope="module", autouse=True)
def environment() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("NPL_HOME", "NPL_REGISTRY_URL", "NPL_SETTLE_SECONDS"):
            patch.setenv(name, "")  # put back afterwards, whatever it is set to meanwhile
        yield
    settings.cache_clear()
    registry._engine.cache_clear()
    registry._prepared.clear()


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Counter[str]]:
    folder = tmp_path_factory.mktemp("prepared") / "filings"
    fates = write_filings(folder, FILINGS)
    assert all(fates.values()), fates
    assert sum(fates.values()) == FILINGS
    return folder, fates


@pytest.fixture(scope="module")
def undisturbed(prepared: tuple[Path, Counter[str]], tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """The same filings on a home where nothing is killed."""
    root = tmp_path_factory.mktemp("undisturbed") / "home"
    use(root)
    register_filers()
    drop(prepared[0], home())
    subprocess.run(
        [sys.executable, "-c", WITHOUT_KILLS],
        cwd=PROJECT_DIR,
        check=True,
        timeout=PATIENCE,
        env=os.environ | {"PYTHONPATH": str(PROJECT_DIR)},
    )
    return Ran(Home(root), "", prepared[1], Counter())


@pytest.fixture(scope="module")
def killed(prepared: tuple[Path, Counter[str]], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    """The served platform: a worker, the scheduler and PostgreSQL are killed as it decides, two schedulers end it."""
    folder = tmp_path_factory.mktemp("killed")
    with served_platform(folder / "home") as platform:
        url = platform.environment["NPL_REGISTRY_URL"]
        use(folder / "home", url)
        register_filers()
        drop(prepared[0], home())
        new = sum(prepared[1].values()) - prepared[1]["again"]
        run_through_kills(platform, new)
        yield Ran(Home(folder / "home"), url, prepared[1], platform.restarts, platform)
        registry._engine.cache_clear()


def run_through_kills(platform: ServedPlatform, new: int) -> None:
    for dag_id in ("ingest_filings", "build_warehouse", "publish_release"):
        platform.api.call("PATCH", f"/api/v2/dags/{dag_id}", {"is_paused": False})
    platform.api.call("POST", "/api/v2/dags/ingest_filings/dagRuns", {"logical_date": None})
    platform.wait_until("some filings are decided", lambda: decided() >= new * 0.15, PATIENCE)
    platform.wait_until("a worker at work is killed", platform.kill_worker, PATIENCE)
    before = decided()
    platform.wait_until("the others go on", lambda: decided() >= min(before + new * 0.15, new), PATIENCE)
    platform.kill_scheduler()
    platform.wait_until("the scheduler was started again", lambda: platform.restarts["scheduler"] > 0, PATIENCE)
    before = decided()
    platform.wait_until("filings are decided again", lambda: decided() >= min(before + new * 0.15, new), PATIENCE)
    assert platform.postgres.kill() > 5
    time.sleep(2)
    platform.postgres.start()
    platform.start_part("scheduler_2")
    platform.wait_until("all filings are decided", lambda: decided() == new, PATIENCE)
    platform.wait_until("everything is published", is_published, PATIENCE)


def decided() -> int:
    return len(registry.rows_of(registry_tables.decisions))


def is_published() -> bool:
    return (
        not registry.undecided()
        and warehouse.is_current()
        and home().latest_release.exists()
        and manifest_of(find_release(None))["inputs_sha256"] == warehouse.inputs_digest()
    )


def on(ran: Ran, look: Callable[[], Any]) -> Any:
    """What a look at the home of a run finds."""
    use(ran.home.root, ran.registry_url)
    return look()


def test_every_filing_came_to_its_end_once(killed: Ran) -> None:
    def states() -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for row in registry.rows_of(registry_tables.states):
            found.setdefault(row["filing_id"], []).append(row["state"])
        return found

    told = on(killed, states)
    for each in told.values():
        assert STATES.fullmatch(" ".join(each)), each
    fates = killed.fates
    assert Counter(each[-1] for each in told.values()) == {
        "accepted": fates["accepted"],
        "superseded": fates["superseded"],
        "rejected": fates["rejected"] + fates["unreadable"],
    }
    leaves = on(killed, lambda: registry.rows_of(registry_tables.log_entries))
    assert [each["position"] for each in leaves] == list(range(len(told)))
    assert {json.loads(each["leaf"])["filing"] for each in leaves} == told.keys()
    assert not list(killed.home.inbox.glob("*/[!.]*"))
    assert len(list(killed.home.inbox.iterdir())) >= INSTITUTIONS_COUNT


def test_the_scheduler_and_what_else_fell_came_up_again(killed: Ran) -> None:
    assert killed.restarts["scheduler"] >= 1
    assert killed.platform is not None
    runs = [run for dag_id in killed.platform.api.dag_ids() for run in killed.platform.api.runs(dag_id)]
    assert {run["state"] for run in runs} <= {"success", "running", "queued"}, runs


def test_the_log_verifies(killed: Ran) -> None:
    assert on(killed, lambda: list(log_problems({}, published_keys().keys))) == []


def test_everything_is_as_in_a_run_without_kills(killed: Ran, undisturbed: Ran) -> None:
    def outcome() -> dict[str, Any]:
        return {
            "filings": recorded(registry_tables.filings, "received_at"),
            "decisions": recorded(registry_tables.decisions),
            "rule results": recorded(registry_tables.rule_results),
            "findings": recorded(registry_tables.findings),
            "answers": {
                path.relative_to(home().outbox).as_posix(): file_digest(path)
                for path in sorted(home().outbox.glob(f"*/*/{REPORT_JSON}"))
            },
            "rows": {
                path.relative_to(home().root).as_posix(): file_digest(path)
                for zone in (home().accepted, home().held)
                for path in sorted(zone.glob("*/*/*/*.parquet"))
            },
            "landed": sorted(path.name for path in home().landing.glob("*/*")),
        }

    expected, found = on(undisturbed, outcome), on(killed, outcome)
    assert len(expected["answers"]) == len(expected["decisions"]) > FILINGS / 2
    for kind in expected:
        assert found[kind] == expected[kind], kind


def figures(database: Path, schemas: tuple[str, ...], with_times: bool) -> dict[str, list[Any]]:
    """All rows of all tables of these schemas; of a run's own moments only if asked for."""
    with duckdb.connect(str(database), read_only=True) as con:
        columns: dict[str, list[str]] = {}
        for schema, table, column, kind in con.execute(
            "select schema_name, table_name, column_name, data_type from duckdb_columns() order by all"
        ).fetchall():
            if schema in schemas and (with_times or not kind.startswith("TIMESTAMP")):
                columns.setdefault(f"{schema}.{table}", []).append(f'"{column}"')
        return {
            table: con.execute(f"select {', '.join(names)} from {table} order by all").fetchall()
            for table, names in columns.items()
        }


def test_the_market_tables_are_as_in_a_run_without_kills(killed: Ran, undisturbed: Ran) -> None:
    expected, found = (figures(ran.home.warehouse, ("core", "market"), False) for ran in (undisturbed, killed))
    assert len(expected["core.fct_notices"]) > FILINGS / 2
    assert expected.keys() == found.keys()
    assert [table for table in expected if expected[table] != found[table]] == []


def test_the_release_is_intact(killed: Ran) -> None:
    assert on(killed, lambda: verify(None)) == []


def test_what_was_backed_up_is_rebuilt_to_the_same_figures(killed: Ran, tmp_path: Path) -> None:
    on(killed, lambda: back_up(str(tmp_path / "backups"), with_keys=True))
    use(tmp_path / "home")
    assert restore(str(tmp_path / "backups")).problems == []
    release = find_release(None).name
    subprocess.run(
        [sys.executable, "-c", "from ingest import release, warehouse; warehouse.build(); print(release.publish())"],
        cwd=PROJECT_DIR,
        check=True,
        timeout=PATIENCE,
        env=os.environ | {"PYTHONPATH": str(PROJECT_DIR)},
    )
    every = ("core", "market", "quality", "compliance", "public")
    expected, found = (figures(each.warehouse, every, True) for each in (killed.home, home()))
    assert len(expected) > 20
    assert [table for table in expected if expected[table] != found[table]] == []
    assert find_release(None).name == release
    assert verify(None) == []
