"""How much the public tables leave out: counted for everybody, weighed for those who may see the full release."""

from collections import Counter
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

import duckdb

from ingest.disclosure.products import Product, Thresholds
from ingest.disclosure.texts import comment, texts

Key = tuple[str, str, str]
"""Product, group, status."""
STATUSES = ("none", "primary", "secondary", "difference", "carried_forward")


def write_report(
    con: duckdb.DuckDBPyConnection,
    products: Mapping[str, Product],
    limits: Thresholds,
    statuses: Mapping[Key, int],
    values: Mapping[Key, int],
    known_before: int,
    unmatched: int,
) -> None:
    """Write public.suppression_report and quality.suppression_value."""
    used = (
        limits.obligors,
        limits.institutions,
        limits.dominance_institutions,
        limits.dominance_share,
        limits.p_share,
    )
    report: list[tuple[Any, ...]] = []
    value: list[tuple[Any, ...]] = []
    for name, product in sorted(products.items()):
        for group in product.groups:
            counts = Counter({each: statuses.get((name, group, each), 0) for each in STATUSES})
            worth = Counter({each: values.get((name, group, each), 0) for each in STATUSES})
            cells, amount = counts.total(), worth.total()
            report.append((name, group, cells, *(counts[each] for each in STATUSES), known_before, unmatched, *used))
            value += [
                (
                    name,
                    group,
                    each,
                    number,
                    number / cells,
                    Decimal(worth[each]) / 100,
                    worth[each] / amount if amount else None,
                )
                for each, number in sorted(counts.items())
                if number
            ]
    _write(con, "public.suppression_report", report)
    _write(con, "quality.suppression_value", value)


def _write(con: duckdb.DuckDBPyConnection, table: str, rows: Iterable[tuple[Any, ...]]) -> None:
    said = texts()["tables"][table]
    columns = said["columns"]
    con.execute(f"create schema if not exists npl.{table.partition('.')[0]}")
    typed = ", ".join(f"{name} {each['type']}" for name, each in columns.items())
    con.execute(f"create or replace table npl.{table} ({typed})")
    for row in rows:
        con.execute(f"insert into npl.{table} values ({', '.join('?' * len(columns))})", row)
    comment(con, table, said["description"], {name: each["description"] for name, each in columns.items()})
