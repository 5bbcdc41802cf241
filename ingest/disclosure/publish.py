"""The public tables: the market's figures, or nothing, or what an earlier release said; and a report of the rest."""

from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from expectations.compile import sql_text
from expectations.model import Standard
from ingest.disclosure.earlier import CARRIED, SHOWN, Carried, Earlier, earlier_releases
from ingest.disclosure.products import Product, Thresholds, declaration, thresholds
from ingest.disclosure.protect import Pattern, protect
from ingest.disclosure.report import write_report
from ingest.disclosure.state import Box, Figure, State, cell_of, load_state
from ingest.disclosure.targets import Rules
from ingest.disclosure.texts import comment_on_public
from ingest.errors import StorageError

PUBLIC_SCHEMA = "public"
CONTRIBUTIONS = "npl.market.event_contributions"
PRIMARY = "primary"


def write_public(database: Path, standard: Standard, inputs: str) -> None:
    """Write schema `public` into a new warehouse, from its own market tables and what earlier releases show.

    `inputs` is the digest of what the warehouse is made from: a release of the same inputs is no earlier one.

    Raises:
        StorageError: a figure of a market table is not the sum of the events that stand behind it.
    """
    products = declaration().products
    earlier = earlier_releases(inputs, products)
    with duckdb.connect(":memory:", config={"threads": 1}) as con:
        con.execute(f"attach {sql_text(str(database))} as npl")
        publish_tables(con, products, thresholds(standard), earlier)
        con.execute("detach npl")


def publish_tables(
    con: duckdb.DuckDBPyConnection, products: Mapping[str, Product], limits: Thresholds, earlier: Earlier
) -> Pattern:
    """Write the public tables of the database attached as `npl`; return what they leave out."""
    rules = Rules(products, limits)
    present = load_state("", con, CONTRIBUTIONS, products)
    pattern = protect(rules, present, earlier.states, earlier.published or {})
    con.execute(f"drop schema if exists npl.{PUBLIC_SCHEMA} cascade")
    con.execute(f"create schema npl.{PUBLIC_SCHEMA}")
    statuses: Counter[tuple[str, str, str]] = Counter()
    values: Counter[tuple[str, str, str]] = Counter()
    for name, product in products.items():
        schema, rows = _market(con, product)
        _compare(name, product, present, rows)
        public = []
        for row in rows:
            cell = cell_of(name, product, row)
            shown = {each: row[each] for each in (*product.dimensions, *product.labels)}
            for group in product.groups:
                said = _group(Box(cell, group), row, product, pattern, earlier.carried or {})
                shown |= said
                status = said[f"{group}_suppression"]
                statuses[name, group, status] += 1
                amounts = [each for each, of in product.groups[group].columns.items() if of.quantity != "count"]
                values[name, group, status] += present.total(Figure(cell, amounts[0]))
            public.append(shown)
        _write(con, name, product, schema, public)
        comment_on_public(con, name, product)
    write_report(con, products, limits, statuses, values, pattern.exposed, earlier.unmatched)
    return pattern


def _group(
    box: Box, row: Mapping[str, Any], product: Product, pattern: Pattern, carried: Mapping[Box, Carried]
) -> dict[str, Any]:
    """What the public sees of a group of figures: never another figure than one that the market has or had."""
    declared = product.groups[box.group]
    columns = (*declared.columns, *declared.ratios)
    status, origin, values = SHOWN, None, {column: row[column] for column in columns}
    if pattern.hides(box):
        status, values = PRIMARY, dict.fromkeys(columns)
        if box not in pattern.primary:
            status = pattern.withheld[box]
            if box in carried:
                status, origin, values = CARRIED, carried[box].release, dict(carried[box].values)
    return {**values, f"{box.group}_suppression": status, f"{box.group}_from_release": origin}


def _market(con: duckdb.DuckDBPyConnection, product: Product) -> tuple[pa.Schema, list[dict[str, Any]]]:
    """The market table's rows, in the order of the dimensions."""
    columns = [*product.dimensions, *product.labels]
    columns += [each for group in product.groups.values() for each in (*group.columns, *group.ratios)]
    found: pa.Table = con.sql(
        f"select {', '.join(columns)} from npl.market.{product.market_table} where {product.market_rows} "
        f"order by {', '.join(product.dimensions)}"
    ).to_arrow_table()
    return found.schema, found.to_pylist()


def _compare(name: str, product: Product, present: State, rows: list[dict[str, Any]]) -> None:
    """Whether all figures are the sums that the rules were asked about: else they were asked about others."""
    wrong, seen = [], set()
    for row in rows:
        cell = cell_of(name, product, row)
        for column, declared in product.columns().items():
            seen.add(Figure(cell, column))
            factor = 1 if declared.quantity == "count" else 100
            if Decimal(row[column] or 0) * factor != present.total(Figure(cell, column)):
                wrong.append(f"{'|'.join(cell.key)} {column}")
    wrong += [
        f"{'|'.join(each.cell.key)} {each.column}"
        for each in present.figures
        if each not in seen and each.cell.product == name
    ]
    if wrong:
        told = f"market.{product.market_table}: {'; '.join(sorted(wrong)[:5])}"
        raise StorageError(
            f"公开数字与其背后的事件合计不符（{len(wrong)} 处）：{told}",
            f"{len(wrong)} public figures are not the sums of the events behind them: {told}",
        )


def _write(
    con: duckdb.DuckDBPyConnection, name: str, product: Product, market: pa.Schema, rows: list[dict[str, Any]]
) -> None:
    fields = [market.field(each) for each in (*product.dimensions, *product.labels)]
    for group_name, group in product.groups.items():
        fields += [market.field(each) for each in (*group.columns, *group.ratios)]
        fields += [
            pa.field(f"{group_name}_suppression", pa.string()),
            pa.field(f"{group_name}_from_release", pa.string()),
        ]
    table = pa.Table.from_pylist(rows, schema=pa.schema(fields))
    con.register("rows_to_write", table)
    con.execute(f"create table npl.{PUBLIC_SCHEMA}.{name} as from rows_to_write")
    con.unregister("rows_to_write")
