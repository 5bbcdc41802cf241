"""
### 发布数据 · Publish a release

数据仓库重建后（资产 `npl_warehouse` 更新），发布一个不可更改的版本。

Runs when the warehouse was built (asset `npl_warehouse`): writes an immutable release folder (Parquet, `npl.duckdb`,
`manifest.json`) and moves `releases/latest.json` last.

- **`publish`** writes one release and returns its id. With nothing new it returns the id of the latest release.
  *If it fails*: `latest.json` still names the release before. Read the task's log, repair, clear the task.

- **`operator_page`** writes the entrance of the operator's pages anew, now that the warehouse's figures are.
  *If it fails*: the page is stale, nothing else.

检查已发布的版本：`npl release verify`。`npl release verify` checks what was published.
"""

from airflow.sdk import dag, task

from dags.assets import WAREHOUSE
from dags.defaults import START, TASK_DEFAULTS, WAREHOUSE_POOL


@dag(
    schedule=[WAREHOUSE],
    start_date=START,
    catchup=False,
    max_active_runs=1,
    default_args=TASK_DEFAULTS,
    doc_md=__doc__,
    tags=["npl", "release"],
)
def publish_release() -> None:
    # In the writer's pool, so that no build swaps the file while it is being published.
    @task(pool=WAREHOUSE_POOL)
    def publish() -> str:
        from ingest import release

        return release.publish()

    @task
    def operator_page() -> str:
        from ingest.report.operator import write_operator_page

        return str(write_operator_page())

    publish() >> operator_page()


publish_release()
