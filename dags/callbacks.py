"""What Airflow calls when a task failed for good, or a run is not done in time: the operator is told.

Airflow imports these by name in other processes than those that read the DAG files (the scheduler's executor, the DAG
processor), so they live in a module of an installed package and import nothing until they are called.
"""

from typing import Any

LABELS = {
    "dag": "DAG",
    "task": "任务 task",
    "run": "运行 run",
    "error": "错误 error",
    "deadline": "应完成于 was due at",
    "log": "日志 log",
}


def task_failed(context: Any) -> None:
    """Tell the operator of a task that failed and is not tried again; once a task and run."""
    from ingest.alerts import alert

    task = context["task_instance"]
    index = "" if task.map_index in (None, -1) else f"[{task.map_index}]"
    alert(
        f"failed-{task.dag_id}-{task.task_id}{index}-{task.run_id}",
        f"任务失败：{task.dag_id} {task.task_id}{index}",
        "a task failed",
        _labelled(
            dag=task.dag_id,
            task=f"{task.task_id}{index}",
            run=task.run_id,
            error=_in_short(context.get("exception")),
            log=getattr(task, "log_url", None),
        ),
    )


def run_is_late(context: Any) -> None:
    """Tell the operator of a run that is not done by its deadline; once a run."""
    from ingest.alerts import alert

    run = context["dag_run"]
    alert(
        f"late-{run['dag_id']}-{run['dag_run_id']}",
        f"运行超时未完成：{run['dag_id']}",
        "a run is late",
        _labelled(dag=run["dag_id"], run=run["dag_run_id"], deadline=str(context["deadline"]["deadline_time"])),
    )


def _labelled(**details: str | None) -> dict[str, str | None]:
    return {LABELS[name]: value for name, value in details.items()}


def _in_short(error: object) -> str | None:
    """Our own errors in their words; of any other its kind alone, for its text may quote what a filing said."""
    from ingest.errors import StandardError, StorageError

    if error is None:
        return None
    return str(error) if isinstance(error, StorageError | StandardError) else type(error).__name__
