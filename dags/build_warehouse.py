"""
### 构建数据仓库 · Build the warehouse

每当有报送被裁定（资产 `npl_accepted` 更新），用全部已接受数据重建数据仓库。

Runs when filings have been decided (asset `npl_accepted`): exports the registry, runs dbt with its tests, and swaps the
new DuckDB file in when all is well. Readers never wait and never see half a build.

- **`build`** runs one `dbt build` into a new file, then renames it; it returns the file's path.
  *If it fails*: the old warehouse stays in place. The task's log names the model or the test; repair, clear the task.
- **`reconcile`** tells seller and buyer how their filings of one deal agree: `reconciliation.html` and `.json` in the
  outbox of every filing with transfers in force. It only reads the warehouse, and writes only what changed.
  *If it fails*: filers read an older answer; figures are not touched. Repair, clear the task: a rerun is safe.

同一时间只有一个写入者：任务使用仅有一个名额的池 `warehouse`。

DuckDB has one writer, so the task takes the only slot of the pool `warehouse`. The scheduler makes the pool when it
starts (`npl-warehouse` is an Airflow plugin). If runs wait for ever and the log says `non-existent pool`, make it by
hand: `airflow pools set warehouse 1 "one writer"`.
"""

from airflow.sdk import dag, task

from dags.assets import ACCEPTED, WAREHOUSE
from dags.defaults import START, TASK_DEFAULTS, WAREHOUSE_POOL
from dags.lateness import deadline_of


@dag(
    schedule=[ACCEPTED],
    start_date=START,
    catchup=False,
    max_active_runs=1,
    default_args=TASK_DEFAULTS,
    deadline=deadline_of("build_warehouse"),
    doc_md=__doc__,
    tags=["npl", "warehouse"],
)
def build_warehouse() -> None:
    @task(pool=WAREHOUSE_POOL, outlets=[WAREHOUSE])
    def build() -> str:
        from ingest import warehouse

        return warehouse.build()

    @task
    def reconcile() -> int:
        from ingest.reconcile import reconcile

        return reconcile()

    build() >> reconcile()


build_warehouse()
