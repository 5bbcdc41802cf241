"""
### 发布数据 · Publish a release

市场库重建后（资产 `npl_warehouse` 更新），以及每天 0:30（北京时间），看应报的是否已经报齐：已齐或已过宽限日的，
发布一个不可更改的版本；仍有应报机构未报的，等待。清单（`manifest.json` 的 `not_filed`）和 `changes.md` 写明谁没有报。

Runs when the warehouse was built (asset `npl_warehouse`), and at half past midnight by Beijing time, when a cut-off may
have passed. Once every institution that owes is in, or its grace day is over, it writes an immutable release folder
(Parquet, `npl.duckdb`, `manifest.json`) and moves `releases/latest.json` last. Who is not in stands in the release: as
`not_filed` in its manifest, and on `changes.md`.

- **`ready`** asks the calendar and the registry. *If it is skipped*: somebody is waited for, the task's log names them
  (or nothing was built yet); `npl release readiness` tells the same, with the cut-off. Nothing to do: it is asked again
  with the next filing, and every night. *If it fails*: a register is broken or the registry is away. The log says
  which; repair, clear the task.
- **`publish`** writes one release and returns its id. With nothing new it returns the id of the latest release.
  *If it fails*: `latest.json` still names the release before. Read the task's log, repair, clear the task.
- **`operator_page`** writes the entrance of the operator's pages anew, now that the warehouse's figures are.
  *If it fails*: the page is stale, nothing else.

不等待，立即发布：手动触发并把参数 `wait` 设为 false。虚构机构不影响发布。
To publish at once: trigger the DAG with parameter `wait` off. Nobody ever waits for invented institutions.

检查已发布的版本：`npl release verify`。`npl release verify` checks what was published.
"""

from typing import Any

from airflow.sdk import AssetOrTimeSchedule, CronTriggerTimetable, Param, dag, task

from dags.assets import RELEASE, WAREHOUSE
from dags.defaults import START, TASK_DEFAULTS, TIMEZONE, WAREHOUSE_POOL
from dags.lateness import deadline_of
from dags.links import PAGE, linked


@dag(
    # a cut-off is a midnight in China, and nothing else may happen at it
    schedule=AssetOrTimeSchedule(timetable=CronTriggerTimetable("30 0 * * *", timezone=TIMEZONE), assets=[WAREHOUSE]),
    start_date=START,
    catchup=False,
    max_active_runs=1,
    default_args=TASK_DEFAULTS,
    deadline=deadline_of("publish_release"),
    doc_md=__doc__,
    tags=["npl", "release"],
    params={
        "wait": Param(
            True,
            type="boolean",
            title="等齐 · Wait",
            description="等应报机构报齐或过了宽限日再发布 · wait until those who owe are in, or their grace is over",
        )
    },
)
def publish_release() -> None:
    @task
    def ready(params: dict[str, Any]) -> list[dict[str, Any]]:
        from airflow.sdk.exceptions import AirflowSkipException

        from ingest.paths import home
        from ingest.readiness import WAITING, release_readiness
        from ingest.registry import utc_now

        if not home().warehouse.exists():  # the first night of a new platform
            raise AirflowSkipException("尚无市场库 / there is no warehouse yet")
        periods = [each.to_dict() for each in release_readiness(utc_now())]
        waiting = [each for each in periods if each["decision"] == WAITING]
        if params["wait"] and waiting:
            told = "; ".join(f"{each['period']}: {', '.join(each['awaited'])}" for each in waiting)
            raise AirflowSkipException(f"等待报送 / waiting for filings of {told}")
        return [each for each in periods if each["not_filed"]]

    # In the writer's pool, so that no build swaps the file while it is being published.
    @task(pool=WAREHOUSE_POOL, outlets=[RELEASE])
    def publish(outlet_events: Any = None, task_instance: Any = None) -> str:
        from ingest import release
        from ingest.release import CHANGES_PAGE, find_release

        release_id = release.publish()
        page = str(find_release(release_id) / CHANGES_PAGE)
        outlet_events[RELEASE].extra = {"release": release_id, "page": page}
        task_instance.xcom_push(PAGE, page)
        return release_id

    @task
    def operator_page() -> str:
        from ingest.report.operator import write_operator_page

        return str(write_operator_page())

    # Airflow hands over the run's context
    ready() >> linked(publish()) >> operator_page()  # type: ignore[call-arg, misc]


publish_release()
