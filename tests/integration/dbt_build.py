"""dbt as the platform runs it, in this process."""

import os
from contextlib import chdir
from pathlib import Path
from typing import Any
from unittest.mock import patch

from ingest.dbt import DBT_PROJECT, database_being_built, environment, keep_parse, lend_parse
from ingest.paths import Home


def run_dbt(project: Path, home: Path, warehouse: Path, scratch: Path, *arguments: str) -> Any:
    """Run dbt in this process as the platform does, on this database file, and let go of it afterwards."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    target = scratch / "target"
    place = _place(home, scratch)
    being_built = database_being_built(place)
    if project == DBT_PROJECT:  # a parse knows its project's folder
        lend_parse(DBT_PROJECT, target)
    if warehouse.exists():
        os.replace(warehouse, being_built)
    with patch.dict(os.environ, environment(place, target, scratch / "logs")), chdir(place.root):
        try:
            return dbtRunner().invoke(
                [*arguments, "--project-dir", str(project), "--profiles-dir", str(project), "--quiet"]
            )
        finally:
            DuckDBConnectionManager.close_all_connections()
            if being_built.exists():
                os.replace(being_built, warehouse)
            if project == DBT_PROJECT:
                keep_parse(DBT_PROJECT, target)


def _place(home: Path, scratch: Path) -> Home:
    """A home with the same zones and a warehouse folder of its own: tests that run side by side share zones."""
    place = Home(scratch / "place")
    place.warehouse.parent.mkdir(parents=True, exist_ok=True)
    for zone in (place.accepted, place.operations):
        if not zone.is_symlink():
            zone.symlink_to(home.resolve() / zone.name)
    return place
