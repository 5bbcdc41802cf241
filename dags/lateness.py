"""The deadline of each DAG's runs."""

from airflow.sdk.definitions.callback import SyncCallback
from airflow.sdk.definitions.deadline import DeadlineAlert, DeadlineReference

from dags.callbacks import run_is_late
from dags.defaults import DONE_WITHIN


def deadline_of(dag_id: str) -> DeadlineAlert:
    """Tells the operator of a run that is not done in time after it was queued.

    The callback runs in the executor: the embedded platform has no triggerer.
    """
    return DeadlineAlert(
        reference=DeadlineReference.DAGRUN_QUEUED_AT,
        interval=DONE_WITHIN[dag_id],
        callback=SyncCallback(run_is_late),
    )
