"""The embedded Airflow: its settings, in one place."""

from pathlib import Path

from ingest.paths import Home

DAGS_DIR = Path(__file__).resolve().parent


def airflow_environment(home: Home, processes: int = 2) -> dict[str, str]:
    """Environment variables for an Airflow that lives in `home` and touches nothing outside it.

    They must be set before airflow is first imported. They win over settings of another Airflow on the machine: a run
    from the command line must never write to somebody's production metadata.

    Args:
        processes: how many tasks run at once under a scheduler; Airflow's default of 32 workers drowns a small machine.
    """
    return {
        "AIRFLOW_HOME": str(home.airflow),
        "AIRFLOW_CONFIG": str(home.airflow / "airflow.cfg"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(DAGS_DIR),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
        "AIRFLOW__CORE__PARALLELISM": str(processes),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home.airflow / 'airflow.db'}",
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(home.logs / "airflow"),
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "INFO",
        # Airflow listens on all interfaces unless told otherwise.
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_SERVER_HOST": "127.0.0.1",
        # The default of 5 s failed tasks on a loaded machine.
        "AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT": "60",
        "AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT": "120",
    }
