"""Every mart that Spark builds is the mart that DuckDB builds, row by row."""

import json
from pathlib import Path

import duckdb
import pytest
from same_rows import differences

from ingest.config import PROJECT_DIR

MARTS = PROJECT_DIR / "dbt_project" / "models" / "marts"
TABLES = sorted((path.parent.name, path.stem) for path in MARTS.rglob("*.sql"))


@pytest.mark.spark
@pytest.mark.parametrize(("schema", "table"), TABLES, ids=[f"{schema}.{table}" for schema, table in TABLES])
def test_spark_builds_the_same_mart(
    both: duckdb.DuckDBPyConnection, built_twice: Path, schema: str, table: str
) -> None:
    manifest = json.loads((built_twice / "target" / "manifest.json").read_text())
    grain = manifest["nodes"][f"model.npl_warehouse.{table}"]["config"]["meta"]["grain"]
    assert both.execute(f"select count(*) from npl.{schema}.{table}").fetchone()[0] > 0, "an empty table proves nothing"
    on_spark = f"read_parquet('{built_twice / 'spark' / f'{schema}.db' / table}/*.parquet')"
    assert differences(both, f"npl.{schema}.{table}", on_spark, grain) == []


@pytest.mark.parametrize(
    ("altered", "seen"),
    [
        ("select * replace (amount_cny + 0.01 as amount_cny) from ours", "amount_cny"),
        ("select * replace (ratio * (1 + 2e-9) as ratio) from ours", "ratio"),
        ("select * replace (nullif(name, 'b') as name) from ours", "name"),
        ("from ours where id = 1", "2 rows and 1"),
        ("select * replace (cast(amount_cny as double) as amount_cny) from ours", "columns"),
        ("select * exclude (name) from ours", "columns"),
    ],
)
def test_a_table_that_is_not_the_same_is_seen(altered: str, seen: str) -> None:
    with duckdb.connect() as connection:
        connection.execute(
            """create table ours as from (values
                (1, 'a', cast(10 as decimal(18,2)), 0.1::double), (2, 'b', 20, 1.0 / 3)
            ) as rows (id, name, amount_cny, ratio)"""
        )
        assert differences(connection, "ours", "(from ours order by id desc)", ["id"]) == []
        assert seen in " ".join(differences(connection, "ours", f"({altered})", ["id"]))
