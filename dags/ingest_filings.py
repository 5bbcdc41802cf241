"""
### 收件与裁定 · Receive and decide filings

每 10 分钟收取 `inbox/` 中的报送，逐份按披露标准裁定（每份一个任务），结果写入 `outbox/`。

Every 10 minutes: take what waits in `inbox/`, judge each filing against the disclosure standard (one mapped task per
filing, named after it), put the answers into `outbox/`.

- **`receive`** lands the bytes as filed, registers the filings, and returns every filing that is not decided yet.
  *If it fails*: disk, permissions or registry. Read the task's log, repair, clear the task.
- **`decide`** gives one filing its verdict: `accepted`, `accepted_with_holds`, `rejected` or `error`.
  *If it fails*: a bad filing never turns this task red, so the fault is ours. Read its log, repair, clear the task.
- **`data_docs`** writes Great Expectations' pages of these filings (`data_docs/filings.html`), for the operator.
  *If it fails*: verdicts stand, only the pages are stale. Read its log, clear the task.
- **`announce`** counts the verdicts and updates the asset `npl_accepted`, which starts `build_warehouse`.
  *If it is skipped*: no filing waited, nothing to do.

任务可重复执行，不会重复计入。

Every task may be run again: the same bytes are one filing, and a decided filing stays decided. The verdict `error`
means that the judge broke, not the filing: `npl status FILING` tells more.
"""

from collections import Counter
from collections.abc import Iterable

from airflow.sdk import TriggerRule, dag, task

from dags.assets import ACCEPTED
from dags.defaults import START, TASK_DEFAULTS


@dag(
    schedule="*/10 * * * *",
    start_date=START,
    catchup=False,
    max_active_runs=1,
    default_args=TASK_DEFAULTS,
    doc_md=__doc__,
    tags=["npl", "ingest"],
)
def ingest_filings() -> None:
    @task
    def receive() -> list[str]:
        from ingest.receive import receive_waiting

        return receive_waiting()

    @task(map_index_template="{{ filing_id }}")
    def decide(filing_id: str) -> str:
        from ingest import accept

        return accept.decide(filing_id)

    @task(outlets=[ACCEPTED], trigger_rule=TriggerRule.NONE_FAILED)
    def announce(verdicts: Iterable[str]) -> dict[str, int]:
        from airflow.sdk.exceptions import AirflowSkipException

        # `decide` is skipped when nothing waits, and then there are no verdicts: no news, so no asset event.
        counts = Counter(verdicts or ())
        if not counts:
            raise AirflowSkipException("没有待裁定的报送 / no filing waits")
        return dict(sorted(counts.items()))

    @task(trigger_rule=TriggerRule.NONE_FAILED)
    def data_docs(filing_ids: list[str], verdicts: Iterable[str]) -> str:
        from airflow.sdk.exceptions import AirflowSkipException

        from ingest import accept

        if not filing_ids:
            raise AirflowSkipException("没有待裁定的报送 / no filing waits")
        return accept.publish_data_docs(filing_ids)

    # Airflow hands over the list of verdicts; its types only know the reference to it.
    filing_ids = receive()
    verdicts = decide.expand(filing_id=filing_ids)
    announce(verdicts)  # type: ignore[arg-type]
    data_docs(filing_ids, verdicts)  # type: ignore[arg-type]


ingest_filings()
