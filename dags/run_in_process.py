"""Run the DAGs one after the other in this process: `python -m dags.run_in_process`.

`npl run` starts it as a process of its own, so that nothing else imports Airflow. Standard output is one JSON object a
line; everything that Airflow prints goes to the log file. Events, in the order in which they come:

- `{"event": "started", "log": path}`
- `{"event": "dag_started", "dag_id"}`
- `{"event": "filing_decided", "filing_id"}`: as each verdict falls, while the task `decide` of its lane still runs
- `{"event": "task_finished", "dag_id", "task_id", "map_index", "label", "state", "seconds", "value", "error"}`:
  `map_index` is -1 and `label` null for a task that is not mapped, else `label` names the lane; `state` is success,
  skipped or failed; `value` is what the task returned (`receive`: the filing ids that will be decided, in lanes;
  `decide`: the verdict of each filing of a lane); `error` is null or text.
- `{"event": "dag_finished", "dag_id", "state", "seconds"}`: `state` is success or failed.
- `{"event": "failed", "zh", "en", "log"}`: last line of a run that failed.

Exit code: 0 all DAGs succeeded; 3 something failed, and the DAGs after it were not run.
"""

import fcntl
import json
import logging
import os
import sys
import time
import traceback
from pathlib import Path
from typing import Any, TextIO

from dags.environment import DAGS_DIR, airflow_environment
from ingest.errors import StorageError
from ingest.paths import home

DAG_ORDER = ("ingest_filings", "build_warehouse", "publish_release")
# Who starts a run by hand wants its release now, whoever has not filed yet.
RUN_CONF: dict[str, dict[str, Any]] = {"publish_release": {"wait": False}}
EXIT_DONE = 0
EXIT_OUR_FAULT = 3


class Progress:
    """Writes events as JSON lines."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def tell(self, event: str, **details: Any) -> None:
        self._stream.write(json.dumps({"event": event, **details}, ensure_ascii=False, default=str) + "\n")
        self._stream.flush()


def keep_output_aside(log_file: Path) -> TextIO:
    """Send file descriptors 1 and 2 to `log_file`; return the standard output that was."""
    aside = os.fdopen(os.dup(1), "w", encoding="utf-8")
    log_file.parent.mkdir(parents=True, exist_ok=True)
    with log_file.open("wb") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    return aside


def prepare_database() -> None:
    """Create or migrate the metadata database when it is not up to date, and the pool when it is missing."""
    from airflow.utils import db

    from dags.pool_plugin import ensure_pool

    try:
        db.check_migrations(0)
    except TimeoutError:
        db.initdb()
    ensure_pool()


def load_dags() -> dict[str, Any]:
    """The DAGs by id, in the order to run them.

    Raises:
        RuntimeError: a DAG file cannot be imported, or a DAG is missing.
    """
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag(DAGS_DIR, load_op_links=False)
    if bag.import_errors:
        raise RuntimeError("\n".join(f"{file}: {error}" for file, error in bag.import_errors.items()))
    missing = [dag_id for dag_id in DAG_ORDER if dag_id not in bag.dags]
    if missing:
        raise RuntimeError(f"no such DAG in {DAGS_DIR}: {', '.join(missing)}")
    return {dag_id: bag.dags[dag_id] for dag_id in DAG_ORDER}


def listen(progress: Progress) -> None:
    """Tell of every task when it has finished, and of every filing when it is decided."""
    from airflow.listeners import hookimpl
    from airflow.sdk.listener import get_listener_manager

    class TaskListener:
        @hookimpl
        def on_task_instance_success(self, previous_state: Any, task_instance: Any) -> None:
            value = task_instance.xcom_pull(task_ids=task_instance.task_id, map_indexes=task_instance.map_index)
            self.tell(task_instance, "success", value=value)

        @hookimpl
        def on_task_instance_skipped(self, previous_state: Any, task_instance: Any) -> None:
            self.tell(task_instance, "skipped")

        @hookimpl
        def on_task_instance_failed(self, previous_state: Any, task_instance: Any, error: Any) -> None:
            self.tell(task_instance, "failed", error=str(error) or type(error).__name__)

        def tell(self, task_instance: Any, state: str, value: Any = None, error: str | None = None) -> None:
            progress.tell(
                "task_finished",
                dag_id=task_instance.dag_id,
                task_id=task_instance.task_id,
                map_index=task_instance.map_index,
                label=task_instance.rendered_map_index,
                state=state,
                seconds=round(time.time() - task_instance.start_date.timestamp(), 3),
                value=value,
                error=error,
            )

    get_listener_manager().add_listener(TaskListener())
    lanes = logging.getLogger("ingest.lanes")
    lanes.setLevel(logging.INFO)
    lanes.addHandler(FilingsDecided(progress))


class FilingsDecided(logging.Handler):
    """Tells of every filing as it is decided: tasks run in this very process, so what they log is heard here."""

    def __init__(self, progress: Progress) -> None:
        super().__init__(logging.INFO)
        self._progress = progress

    def emit(self, record: logging.LogRecord) -> None:
        if filing_id := getattr(record, "filing_id", None):
            self._progress.tell("filing_decided", filing_id=filing_id)


def run_dag(dag: Any, progress: Progress) -> bool:
    """Run one DAG to its end; true when it succeeded."""
    progress.tell("dag_started", dag_id=dag.dag_id)
    begun = time.monotonic()
    for task in dag.tasks:
        # A person waits: show the fault at once. Running again is safe, and theirs to decide.
        task.retries = 0
    # nobody watches deadlines here, and `dag.test` (3.3.2) takes their own text for the ids of those it has stored
    dag.deadline = None
    state = str(getattr(dag.test(run_conf=RUN_CONF.get(dag.dag_id)).state, "value", "unknown"))
    progress.tell("dag_finished", dag_id=dag.dag_id, state=state, seconds=round(time.monotonic() - begun, 3))
    return state == "success"


def run_all(progress: Progress) -> str | None:
    """Run the DAGs in order and stop at the first that fails: its id, or None when all succeeded."""
    prepare_database()
    dags = load_dags()
    listen(progress)
    for dag_id, dag in dags.items():
        if not run_dag(dag, progress):
            return dag_id
    return None


def take_turn(lock_file: Path) -> TextIO:
    """Hold the lock of this home's embedded Airflow until the process ends.

    Raises:
        StorageError: another run holds it.
    """
    lock_file.parent.mkdir(parents=True, exist_ok=True)
    lock = lock_file.open("a", encoding="utf-8")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        lock.close()
        raise StorageError(
            "另一个 npl run 正在运行，请等待其结束。", "Another `npl run` is at work in this home; wait until it ends."
        ) from error
    return lock


def main() -> int:
    """Run everything; the exit code."""
    zones = home()
    log_file = zones.logs / "run_in_process.log"
    try:
        # Before the log is opened: it belongs to the run that holds the lock.
        lock = take_turn(zones.airflow / "run.lock")
    except StorageError as error:
        Progress(sys.stdout).tell("failed", zh=error.zh, en=error.en, log=str(log_file))
        return EXIT_OUR_FAULT
    with lock:
        progress = Progress(keep_output_aside(log_file))
        progress.tell("started", log=str(log_file))
        os.environ.update(airflow_environment(zones))
        try:
            failed = run_all(progress)
        except Exception as error:
            traceback.print_exc()
            failed = f"{type(error).__name__}: {error}"
        if failed is None:
            return EXIT_DONE
        progress.tell(
            "failed",
            zh=f"运行失败（{failed}），详见日志 {log_file}",
            en=f"The run failed ({failed}); the log tells more: {log_file}",
            log=str(log_file),
        )
        return EXIT_OUR_FAULT


if __name__ == "__main__":
    sys.exit(main())
