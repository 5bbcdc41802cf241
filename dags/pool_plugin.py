"""The writer's pool, made where it is missing.

Airflow 3.3 does not schedule a task whose pool does not exist: it warns ("Tasks using non-existent pool") and the run
waits for ever. So the package is an Airflow plugin (entry point `airflow.plugins`): a starting scheduler makes it.
"""

from typing import Any

from airflow.listeners import hookimpl
from airflow.plugins_manager import AirflowPlugin

from dags.defaults import WAREHOUSE_POOL, WAREHOUSE_POOL_SLOTS
from dags.telemetry import TelemetryListener


def ensure_pool() -> None:
    """Create the pool `warehouse` unless it is there; an operator's own setting is left alone."""
    from airflow.models.pool import Pool
    from airflow.utils.session import create_session
    from sqlalchemy.exc import IntegrityError

    if Pool.get_pool(WAREHOUSE_POOL) is not None:
        return
    try:
        with create_session() as session:
            Pool.create_or_update_pool(
                WAREHOUSE_POOL,
                WAREHOUSE_POOL_SLOTS,
                "一次只有一个写入者 / one writer at a time",
                include_deferred=True,
                session=session,
            )
    except IntegrityError:
        # Another scheduler that starts at the same moment was faster.
        return


class PoolListener:
    """Makes the pool when a component with a job (scheduler, DAG processor) starts."""

    @hookimpl
    def on_starting(self, component: Any) -> None:
        # Task processes call this too, and they may not touch the database.
        if type(component).__module__ == "airflow.jobs.job":
            ensure_pool()


class NplPlugin(AirflowPlugin):
    """What `npl-warehouse` adds to an Airflow that has it installed."""

    name = "npl_warehouse"
    listeners = [PoolListener(), TelemetryListener()]  # noqa: RUF012 (Airflow's own declaration is a plain list)
