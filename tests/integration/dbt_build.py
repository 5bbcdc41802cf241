"""dbt as the platform runs it, in this process."""

import os
from pathlib import Path
from typing import Any
from unittest.mock import patch

from ingest.config import PROJECT_DIR

DBT_PROJECT = PROJECT_DIR / "dbt_project"


def run_dbt(project: Path, home: Path, warehouse: Path, scratch: Path, *arguments: str) -> Any:
    """Run dbt in this process as the platform does, and let go of the database file afterwards."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    environment = {
        "NPL_HOME": str(home),
        "NPL_WAREHOUSE": str(warehouse),
        "DBT_TARGET_PATH": str(scratch / "target"),
        "DBT_LOG_PATH": str(scratch / "logs"),
    }
    with patch.dict(os.environ, environment):
        try:
            return dbtRunner().invoke(
                [*arguments, "--project-dir", str(project), "--profiles-dir", str(project), "--quiet"]
            )
        finally:
            DuckDBConnectionManager.close_all_connections()
