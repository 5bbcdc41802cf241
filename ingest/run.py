"""The main job for one person at one machine: inbox -> release through the Airflow DAGs, with progress, summed up."""

import json
import os
import subprocess
import sys
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from expectations.spec import load_standard
from ingest import registry, release, warehouse
from ingest.config import PROJECT_DIR, settings
from ingest.errors import JudgeError
from ingest.paths import home
from ingest.receipts.issue import write_missing_receipts
from ingest.receive import waiting
from ingest.summary import show_summary

STEPS = {
    "ingest_filings": "收件与裁定 judge filings",
    "build_warehouse": "市场表 market tables",
    "publish_release": "发布 release",
}


def run(console: Console, with_demo: bool) -> None:
    """File what waits (on an empty home: the bundled notices and the demo set), run the DAGs, and say what came of it.

    Raises:
        JudgeError: a DAG failed; the message names the log.
    """
    if with_demo and not registry.all_filings() and not any(waiting()):
        _fill_inbox(console)
    if nothing_new():
        console.print(
            f"没有新的报送，一切保持不变（发布 {release.find_release(None).name}）。\nNothing new: nothing was changed."
        )
    else:
        _run_dags(console)
    write_missing_receipts()
    show_summary(console)


def nothing_new() -> bool:
    """Whether inbox, registry, warehouse and release all agree already."""
    if any(waiting()) or registry.undecided() or not warehouse.is_current():
        return False
    return release.published(warehouse.inputs_digest()) is not None


def _fill_inbox(console: Console) -> None:
    from ingest.read.notices import NOTICES_FILE, collect
    from ingest.synthetic import write_demo_filings

    collected = collect(NOTICES_FILE, home().inbox / settings().collection_desk, load_standard())
    demo = write_demo_filings(home().inbox)
    console.print(
        f"空目录：放入随附的真实公告（{collected.rows_in} 份，{len(collected.folders)} 份报送）"
        f"和虚构机构的示例报送（{demo} 份）。\n"
        f"Empty home: filed the bundled real notices ({collected.rows_in}, in {len(collected.folders)} filings) "
        f"and the demo set of invented institutions ({demo})."
    )


def _run_dags(console: Console) -> None:
    environment = os.environ | {"NPL_HOME": str(home().root), "PYTHONPATH": str(PROJECT_DIR)}
    process = subprocess.Popen(
        [sys.executable, "-m", "dags.run_in_process"],
        cwd=PROJECT_DIR,
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    assert process.stdout is not None
    failure: dict[str, Any] = {}
    with Progress(*columns, console=console) as progress:
        bar = _Bar(progress)
        for event in map(json.loads, process.stdout):
            bar.show(event)
            if event["event"] == "failed":
                failure = event
    if process.wait() != 0:
        raise JudgeError(failure.get("zh", "运行中断。"), failure.get("en", "The run broke off."))


class _Bar:
    """One progress bar a DAG, fed by the runner's events."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._start = progress.add_task("启动 start Airflow", total=1)
        self._bars: dict[str, Any] = {}

    def show(self, event: dict[str, Any]) -> None:
        dag = event.get("dag_id", "")
        if event["event"] == "dag_started":
            self._progress.update(self._start, completed=1)
            self._bars[dag] = self._progress.add_task(STEPS.get(dag, dag), total=None if dag == "ingest_filings" else 1)
        elif event["event"] == "task_finished" and event["task_id"] == "receive":
            self._progress.update(self._bars[dag], total=sum(map(len, event["value"] or ())))
        elif event["event"] == "filing_decided":
            self._progress.advance(self._bars["ingest_filings"])
        elif event["event"] == "dag_finished" and dag != "ingest_filings":
            self._progress.update(self._bars[dag], completed=1)
