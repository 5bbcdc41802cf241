"""The warehouse of the tiny home, built once for all tests that look at it."""

import os
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from dbt_build import DBT_PROJECT, run_dbt
from warehouse_home import write_home

from expectations.spec import Standard, load_standard
from ingest.config import settings
from ingest.disclosure import write_public
from ingest.paths import exclusive


@pytest.fixture(scope="session")
def standard() -> Standard:
    return load_standard()


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory, standard: Standard) -> Path:
    """The folder that holds home/ and the warehouse built from it, under another name than it will be read by.

    Tests copy what they change. Workers that run side by side share it: it is the dearest thing that tests wait for.
    """
    if not os.environ.get("PYTEST_XDIST_WORKER"):
        return _build(tmp_path_factory.mktemp("dbt"), standard)
    shared = tmp_path_factory.getbasetemp().parent
    with exclusive(shared / "dbt.lock"):
        root = shared / "dbt"
        return root if (root / "npl.duckdb").exists() else _build(root, standard)


def _build(root: Path, standard: Standard) -> Path:
    root.mkdir(exist_ok=True)
    write_home(root / "home", standard)
    result = run_dbt(DBT_PROJECT, root / "home", root / ".npl.duckdb.tmp", root, "build")
    failed = [f"{r.node.name}: {r.message}" for r in result.result or () if r.status not in ("success", "pass")]
    assert result.success, (result.exception, failed)
    assert len([r for r in result.result if r.status == "pass"]) > 50
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NPL_HOME", str(root / "home"))
        settings.cache_clear()
        write_public(root / ".npl.duckdb.tmp", standard, inputs="")
    settings.cache_clear()
    os.replace(root / ".npl.duckdb.tmp", root / "npl.duckdb")
    return root


@pytest.fixture
def warehouse(built: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(built / "npl.duckdb"), read_only=True) as connection:
        yield connection
