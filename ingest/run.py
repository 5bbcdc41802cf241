"""The main job for one person at one machine: inbox -> release through the Airflow DAGs, with progress and a summary."""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from expectations.spec import load_standard
from ingest import registry, release, warehouse
from ingest.config import PROJECT_DIR, settings
from ingest.errors import JudgeError, UsageError
from ingest.paths import home
from ingest.receive import waiting
from ingest.report.wording import VERDICT_WORDS

STEPS = {"ingest_filings": "收件与裁定 judge filings", "build_warehouse": "市场表 market tables", "publish_release": "发布 release"}
MARKET = """
    select quarter, listed_count, listed_claim_cny, completed_count, completed_claim_cny, discount_ratio, demo_count
    from market.quarterly_activity where breakdown = 'all' order by quarter"""
MOST_BROKEN = 12
YI = 100_000_000


def run(console: Console, with_demo: bool) -> None:
    """File what waits (on an empty home: the bundled notices and the demo set), run the DAGs, and say what came of it.

    Raises:
        JudgeError: a DAG failed; the message names the log.
    """
    if with_demo and not registry.all_filings() and not any(waiting()):
        _fill_inbox(console)
    if nothing_new():
        console.print(f"没有新的报送，一切保持不变。 Nothing new: nothing was changed. (release {release.find_release(None).name})")
    else:
        _run_dags(console)
    show_summary(console)


def nothing_new() -> bool:
    """Whether inbox, registry, warehouse and release all agree already."""
    if any(waiting()) or registry.undecided() or not warehouse.is_current():
        return False
    try:
        manifest = json.loads((release.find_release(None) / release.MANIFEST).read_text(encoding="utf-8"))
    except UsageError:
        return False
    return bool(manifest["inputs_sha256"] == warehouse.inputs_digest())


def _fill_inbox(console: Console) -> None:
    from ingest.read.notices import NOTICES_FILE, collect
    from ingest.synthetic import write_demo_filings

    collected = collect(NOTICES_FILE, home().inbox / settings().collection_desk, load_standard())
    demo = write_demo_filings(home().inbox)
    console.print(f"空目录：放入随附的真实公告（{collected.rows_in} 份，{len(collected.folders)} 份报送）和虚构机构的示例报送（{demo} 份）。\n"
                  f"Empty home: filed the bundled real notices ({collected.rows_in}, in {len(collected.folders)} filings) "
                  f"and the demo set of invented institutions ({demo}).")


def _run_dags(console: Console) -> None:
    environment = os.environ | {"NPL_HOME": str(home().root), "PYTHONPATH": str(PROJECT_DIR)}
    process = subprocess.Popen([sys.executable, "-m", "dags.run_in_process"], cwd=PROJECT_DIR, env=environment,
                               stdout=subprocess.PIPE, text=True, encoding="utf-8")
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
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
            self._progress.update(self._bars[dag], total=len(event["value"] or ()))
        elif event["event"] == "task_finished" and event["task_id"] == "decide" and event["map_index"] >= 0:
            self._progress.advance(self._bars[dag])
        elif event["event"] == "dag_finished" and dag != "ingest_filings":
            self._progress.update(self._bars[dag], completed=1)


def show_summary(console: Console) -> None:
    """Filings by verdict, the rules most broken, the market by quarter, and where everything lies."""
    console.print(_filings_table())
    console.print(_rules_table())
    console.print(_market_table())
    places = Table.grid(padding=(0, 2))
    for zh, en, path in _places():
        places.add_row(f"{zh} {en}", path)
    console.print(places)


def _filings_table() -> Table:
    table = Table(title="报送结果 Filings by verdict", title_justify="left")
    for heading, justify in (("结果", "left"), ("verdict", "left"), ("报送 filings", "right"), ("行 rows", "right")):
        table.add_column(heading, justify=justify)  # type: ignore[arg-type]
    rows: Counter[str] = Counter()
    filings: Counter[str] = Counter()
    decided = {row["filing_id"]: row for row in registry.rows_of(registry.decisions)}
    for record in registry.all_filings():
        filings[record.state] += 1
        rows[record.state] += decided.get(record.filing_id, {}).get("rows_filed", 0)
    for state, count in sorted(filings.items()):
        table.add_row(VERDICT_WORDS[state].zh if state in VERDICT_WORDS else state, state, f"{count:,}", f"{rows[state]:,}")
    return table


def _rules_table() -> Table:
    standard = load_standard()
    table = Table(title=f"最常违反的规则 Rules most broken (top {MOST_BROKEN})", title_justify="left")
    for heading in ("规则 rule", "级别 severity", "处 findings", "报送 filings", "说明 what it says"):
        table.add_column(heading, justify="right" if heading[0] in "处报" else "left", overflow="fold")
    findings: Counter[str] = Counter()
    filings: Counter[str] = Counter()
    for row in registry.rows_of(registry.rule_results):
        if row["violations"]:
            findings[row["rule_id"]] += row["violations"]
            filings[row["rule_id"]] += 1
    for rule_id, count in sorted(findings.items(), key=lambda item: (-item[1], item[0]))[:MOST_BROKEN]:
        rule = standard.rules.get(rule_id)
        table.add_row(rule_id, rule.severity if rule else "", f"{count:,}", f"{filings[rule_id]:,}", rule.message.zh if rule else "")
    return table


def _market_table() -> Table:
    table = Table(title="市场（按季）The market by quarter: 挂牌 listed, 成交 completed; 亿元 = CNY 100 million", title_justify="left")
    for heading in ("季度 quarter", "挂牌单数", "挂牌亿元", "成交单数", "成交亿元", "折扣率", "其中示例 demo"):
        table.add_column(heading, justify="right")
    _, rows = release.query(MARKET, None)
    for quarter, listed, claim, done, done_claim, discount, demo in rows:
        table.add_row(quarter, f"{listed:,}", _yi(claim), f"{done:,}", _yi(done_claim),
                      "" if discount is None else f"{discount:.2%}", f"{demo:,}")
    return table


def _yi(amount: Any) -> str:
    return "" if amount is None else f"{float(amount) / YI:,.2f}"


def _places() -> Iterator[tuple[str, str, str]]:
    zones = home()
    yield "发布", "release", str(release.find_release(None))
    yield "答复", "reports (report.html)", str(zones.outbox)
    yield "运营页", "Data Docs", str(zones.data_docs / "index.html")
    yield "查询", "query", 'npl sql "select * from market.quarterly_activity where breakdown=\'all\' order by quarter"'
