"""What every DAG here shares. No Airflow import: the pool plugin and the tests read it too."""

import datetime
from typing import Any

import pendulum

from dags.callbacks import task_failed

TIMEZONE = "Asia/Shanghai"
START = pendulum.datetime(2026, 1, 1, tz=TIMEZONE)

# DuckDB has one writer per file, so the pool has one slot.
WAREHOUSE_POOL = "warehouse"
WAREHOUSE_POOL_SLOTS = 1

# Every task is idempotent, because Airflow may run a body twice after a crash: so retrying is always safe.
# A retry is for what heals by itself (a busy disk, a database that restarts): 30 s, then 60 s, then 2 min.
TASK_DEFAULTS: dict[str, Any] = {
    "owner": "platform",
    "retries": 3,
    "retry_delay": datetime.timedelta(seconds=30),
    "retry_exponential_backoff": 2,
    "max_retry_delay": datetime.timedelta(minutes=10),
    # One run at a time: a task that hangs would stop the platform until somebody looks.
    "execution_timeout": datetime.timedelta(hours=2),
    "on_failure_callback": task_failed,
}

# Until when after it was queued a run is done, on a day without trouble; then the operator is told, and it goes on.
DONE_WITHIN = {
    "ingest_filings": datetime.timedelta(hours=1),
    "build_warehouse": datetime.timedelta(hours=2),
    "publish_release": datetime.timedelta(hours=2),
    "filing_calendar": datetime.timedelta(hours=1),
    # it waits for a person
    "replay_filings": datetime.timedelta(days=2),
}
