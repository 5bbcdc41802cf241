"""What the public tables say of themselves: the market table's own words, and what suppression means."""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import duckdb
import yaml

from expectations.compile import sql_text
from ingest.disclosure.products import Product, declaration

TEXTS = Path(__file__).with_name("texts.yml")


@lru_cache(maxsize=1)
def texts() -> Mapping[str, Any]:
    """texts.yml as it stands."""
    said: Mapping[str, Any] = yaml.safe_load(TEXTS.read_text(encoding="utf-8"))
    return said


def descriptions() -> dict[tuple[str, str], Mapping[str, Any]]:
    """Grain and warnings of every table that disclosure control writes, in the shape of dbt's property files."""
    public = {
        ("public", name): {
            "config": {"meta": {"grain": product.dimensions, "usage_warnings": texts()["usage_warnings"]}}
        }
        for name, product in declaration().products.items()
    }
    own: dict[tuple[str, str], Mapping[str, Any]] = {
        tuple(table.split(".")): {"config": {"meta": {each: said[each] for each in ("grain", "usage_warnings")}}}
        for table, said in texts()["tables"].items()
    }
    return {**public, **own}


def comment_on_public(con: duckdb.DuckDBPyConnection, name: str, product: Product) -> None:
    """Write the comments of a public table."""
    said = dict(
        con.execute(
            "select column_name, coalesce(comment, '') from duckdb_columns() "
            "where database_name = 'npl' and schema_name = 'market' and table_name = ?",
            [product.market_table],
        ).fetchall()
    )
    for group in product.groups:
        said |= {f"{group}_{each}": text for each, text in texts()["group"].items()}
    columns = con.execute(
        "select column_name from duckdb_columns() "
        "where database_name = 'npl' and schema_name = 'public' and table_name = ? order by column_index",
        [name],
    ).fetchall()
    comment(
        con,
        f"public.{name}",
        f"{product.description.en} / {product.description.zh}",
        {each: said[each] for (each,) in columns},
    )


def comment(con: duckdb.DuckDBPyConnection, table: str, description: str, columns: Mapping[str, str]) -> None:
    """Comment on a table of the database attached as `npl` and on its columns."""
    con.execute(f"comment on table npl.{table} is {sql_text(description)}")
    for name, said in columns.items():
        con.execute(f"comment on column npl.{table}.{name} is {sql_text(said)}")
