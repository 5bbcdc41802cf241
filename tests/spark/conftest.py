"""The same tiny home, built once by DuckDB and once on a Spark cluster that is started for it."""

import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

# The home that fills every mart, and the way to run dbt, are those of the integration tests.
sys.path.append(str(Path(__file__).parents[1] / "integration"))

from dbt_build import DBT_PROJECT, run_dbt
from spark_cluster import build_on_spark, served_spark
from warehouse_home import write_home

from expectations.spec import load_standard

MODELS = ("build", "--resource-type", "model", "--resource-type", "seed")


@pytest.fixture(scope="session")
def built_twice(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that holds home/, npl.duckdb, spark/ (one folder of Parquet a table) and target/manifest.json."""
    root = tmp_path_factory.mktemp("same")
    write_home(root / "home", load_standard())
    result = run_dbt(DBT_PROJECT, root / "home", root / "npl.duckdb", root, *MODELS)
    assert result.success, result.exception
    with served_spark(root / "cluster") as cluster:
        build_on_spark(cluster, DBT_PROJECT, root / "home", root / "spark", *MODELS)
    return root


@pytest.fixture
def both(built_twice: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that reads DuckDB's tables as `npl.<schema>.<table>`; Spark's are files."""
    with duckdb.connect() as connection:
        connection.execute(f"attach '{built_twice / 'npl.duckdb'}' as npl (read_only)")
        yield connection
