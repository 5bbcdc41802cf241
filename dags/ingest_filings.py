"""
### 收件与裁定 · Receive and decide filings

每 10 分钟收取 `inbox/` 中的报送，按披露标准逐份裁定，结果写入 `outbox/`。同一机构的报送在同一队列中按收到的先后裁定，
各队列（`NPL_LANES`）并行。

Every 10 minutes: take what waits in `inbox/`, judge each filing against the disclosure standard, put the answers into
`outbox/`. All filings about one institution are decided in one lane, in the order in which they came; lanes (as many as
`NPL_LANES` says, best one a worker) run side by side.

- **`receive`** lands the bytes as filed, registers the filings, and returns every filing that is not decided yet, in
  lanes. *If it fails*: disk, permissions or registry. Read the task's log, repair, clear the task.
- **`decide`** (one mapped task a lane, named after its first filing) gives each filing of the lane its verdict:
  `accepted`, `accepted_with_holds`, `rejected` or `error`; its log has a line for each.
  *If it fails*: a bad filing never turns this task red, so the fault is ours. The log names the filings; the others of
  the lane are decided. Repair, clear the task: it decides what is left.
- **`data_docs`** writes Great Expectations' pages of these filings, for the operator (`data_docs/filings.html` links
  them). *If it fails*: verdicts stand, only the pages are stale. Read its log, clear the task.
- **`operator_page`** writes the entrance `data_docs/operator.html` (queue, ages, verdicts, who is late, what was slow)
  and the page of all filings, also when nothing waited or a lane failed. *If it fails*: the page is stale, nothing
  else. Read its log, clear the task.
- **`announce`** counts the verdicts and updates the asset `npl_accepted`, which starts `build_warehouse`; the asset
  `npl_filings` gets an event for each institution and period that was touched (partition `ICBC|2026-10`).
  *If it is skipped*: no filing waited, nothing to do.

任务可重复执行，不会重复计入。任务最终失败、运行一小时未完成，都会写入 `NPL_HOME/alerts/` 并发邮件给
`NPL_MAIL_ESCALATION`。

Every task may be run again: the same bytes are one filing, and a decided filing stays decided. The verdict `error`
means that the judge broke, not the filing: `npl status FILING` tells more. A task that fails for good, and a run that
is not done within an hour, are told in `NPL_HOME/alerts/` and by mail to `NPL_MAIL_ESCALATION`.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from airflow.sdk import TriggerRule, dag, task

from dags.assets import ACCEPTED, FILINGS
from dags.defaults import START, TASK_DEFAULTS
from dags.lateness import deadline_of
from dags.links import PAGE, linked


@dag(
    schedule="*/10 * * * *",
    start_date=START,
    catchup=False,
    max_active_runs=1,
    default_args=TASK_DEFAULTS,
    deadline=deadline_of("ingest_filings"),
    doc_md=__doc__,
    tags=["npl", "ingest"],
)
def ingest_filings() -> None:
    @task
    def receive() -> list[list[str]]:
        from ingest.config import settings
        from ingest.lanes import lanes
        from ingest.receive import receive_waiting

        return lanes(receive_waiting(), settings().lanes)

    @task(map_index_template="{{ lane[0] }}{{ ' + %d' % (lane | length - 1) if lane | length > 1 }}")
    def decide(lane: list[str]) -> dict[str, str]:
        from ingest.lanes import decide_lane

        return decide_lane(lane)

    @task(outlets=[ACCEPTED, FILINGS], trigger_rule=TriggerRule.NONE_FAILED)
    def announce(decided: Iterable[dict[str, str]], outlet_events: Any = None) -> dict[str, int]:
        from airflow.sdk.exceptions import AirflowSkipException

        from ingest.readiness import partitions_of

        # `decide` is skipped when nothing waits, and then there are no verdicts: no news, so no asset event.
        counts = Counter(verdict for lane in decided or () for verdict in lane.values())
        if not counts:
            raise AirflowSkipException("没有待裁定的报送 / no filing waits")
        told = dict(sorted(counts.items()))
        outlet_events[ACCEPTED].extra = told
        if touched := partitions_of(filing_id for lane in decided for filing_id in lane):
            outlet_events[FILINGS].add_partitions(touched)
        return told

    @task(trigger_rule=TriggerRule.NONE_FAILED)
    def data_docs(decided: Iterable[dict[str, str]], task_instance: Any = None) -> str:
        from airflow.sdk.exceptions import AirflowSkipException

        from ingest import accept

        filing_ids = [filing_id for lane in decided or () for filing_id in lane]
        if not filing_ids:
            raise AirflowSkipException("没有待裁定的报送 / no filing waits")
        page = accept.publish_data_docs(filing_ids)
        task_instance.xcom_push(PAGE, page)
        return page

    # not after `data_docs`: a run whose last task succeeds would hide that one's failure
    @task(trigger_rule=TriggerRule.ALL_DONE)
    def operator_page() -> str:
        from ingest.report.operator import write_operator_page

        return str(write_operator_page())

    # Airflow hands over the lanes' values; its types only know the reference to them.
    decided = decide.expand(lane=receive())
    announce(decided)  # type: ignore[arg-type]
    linked(data_docs(decided))  # type: ignore[arg-type]
    decided >> operator_page()


ingest_filings()
