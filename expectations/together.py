"""Rows of many small filings, typed and asked every rule of one row in a single pass.

What such a pass takes for a few rows is planning, and no less for one row than for a thousand. A row's type, its values
and the rules of scope `row` depend on nothing but the row and its filing's context, so filings that lie waiting can
share the pass; whatever looks at other rows is asked filing by filing, when its turn comes.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from expectations.compile import checks_of, kind_of
from expectations.engine import drop_relation, judged_rows, make_known, planned_as_written
from expectations.spec import Standard

STRIDE = 1 << 32
"""Rows are numbered filing * STRIDE + row while they are together."""
LOOKS_ELSEWHERE = re.compile(r"\b(?:select|row_number)\b", re.IGNORECASE)


@dataclass(frozen=True)
class FiledRows:
    """One table of one filing: its rows as text (first column `row_number`), and what is known of its filing."""

    rows: pa.Table
    context: Mapping[str, str | None]


def can_be_typed_together(standard: Standard, table: str, columns: Sequence[str]) -> bool:
    """Whether no rule of one row looks at anything but its row."""
    checks = checks_of(standard, table, columns)
    return not any(check.rule.scope == "row" and LOOKS_ELSEWHERE.search(check.sql) for check in checks)


def type_together(
    con: duckdb.DuckDBPyConnection, standard: Standard, table: str, filed: Sequence[FiledRows], name: str
) -> None:
    """Make the relation `name` of the typed rows of all these, which have the same columns; `typed_apart` parts it."""
    columns = [column for column in filed[0].rows.column_names if column != "row_number"]
    rows = pa.concat_tables(
        each.rows.set_column(0, "row_number", pc.add(each.rows["row_number"], number * STRIDE))
        for number, each in enumerate(filed)
    )
    known = {key: pa.array([each.context.get(key) for each in filed], pa.string()) for key in standard.head.context}
    con.register("rows_together", rows)
    con.register("known_together", pa.table({"filing": pa.array(range(len(filed)), pa.int64()), **known}))
    context = "".join(f", known.{key}::{kind_of(kind)} as {key}" for key, kind in standard.head.context.items())
    with planned_as_written(con):
        con.execute(
            f"create or replace table {name} as "
            + judged_rows(
                standard,
                standard.all_tables[table],
                columns,
                checks_of(standard, table, columns),
                "rows_together",
                f"select as_typed.*{context} from as_typed "
                f"join known_together as known on known.filing = as_typed.row_number // {STRIDE}",
            )
        )
    con.unregister("rows_together")
    con.unregister("known_together")


def typed_apart(con: duckdb.DuckDBPyConnection, standard: Standard, table: str, name: str, number: int) -> None:
    """Make filed_<table> and known_<table> of the filing of this place in the relation `name`."""
    drop_relation(con, f"filed_{table}")
    con.execute(f"""
        create table filed_{table} as
        select * replace ((row_number - {number * STRIDE})::bigint as row_number) from {name}
        where row_number // {STRIDE} = {number} order by row_number""")
    make_known(con, standard.all_tables[table])
