"""Running a rule's own examples through the real engine: the rule's first tests, and its page of the handbook."""

from collections.abc import Sequence

import duckdb
import pyarrow as pa

from expectations import engine
from expectations.compile import typed_rows
from expectations.spec import Row, Rule, Standard

FIRST_ROW = 2  # row 1 of a file is its header


def judge_example(standard: Standard, rule: Rule, rows: Sequence[Row], alone: bool = False) -> engine.TableResult:
    """Judge example rows as one small filing, by every active rule of their table or by the rule `alone`.

    Each row is the table's example row with the rule's cells written over it.
    """
    if alone:
        standard = standard.with_rules([rule])
    table = rule.judged_table
    with duckdb.connect(":memory:") as con:
        _surround(con, standard, rule)
        complete = [standard.example_row(table, row) for row in rows]
        engine.load_rows(con, table, text_rows(complete))
        checks = engine.type_rows(con, standard, table)
        return engine.judge_table(con, standard, table, checks)


def text_rows(rows: Sequence[Row]) -> pa.Table:
    """Rows as a reader would hand them over: `row_number`, then text columns, blank cells null."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns = {name: pa.array([row.get(name) or None for row in rows], pa.string()) for name in names}
    return pa.table({"row_number": pa.array(range(FIRST_ROW, FIRST_ROW + len(rows)), pa.int64()), **columns})


def _surround(con: duckdb.DuckDBPyConnection, standard: Standard, rule: Rule) -> None:
    around = standard.head.examples
    context = dict(around.context)
    for row in rule.given.get("context", ()):
        context |= row
    engine.prepare(con, standard, context)
    for name, shape in standard.head.references.items():
        for row in (*around.references.get(name, ()), *rule.given.get(name, ())):
            values = [row.get(column) for column in shape]
            con.execute(f"insert into {name} values ({', '.join('?' * len(values))})", values)
    for name, rows in rule.given.items():
        kind, _, table = name.partition("_")
        if table in standard.all_tables and kind in ("known", "filed"):
            _place(con, standard, kind, table, [standard.example_row(table, row) for row in rows])


def _place(con: duckdb.DuckDBPyConnection, standard: Standard, kind: str, table: str, rows: Sequence[Row]) -> None:
    """Put rows where a rule will look for them: accepted earlier (`known`), or filed in another table (`filed`)."""
    engine.load_rows(con, table, text_rows(rows))
    if kind == "filed":
        engine.type_rows(con, standard, table)
        return
    spec = standard.all_tables[table]
    fields = ", ".join(spec.by_name)
    con.execute(f"""
        insert into accepted_{table} by name
        select 'EARLIER-' || row_number as filing_id, 'EARLIER' as filing_institution, '2021-01' as filing_period,
               row_number,
               '{standard.latest_version}' as standard_version, {fields}
        from ({typed_rows(spec, list(spec.by_name), f"raw_{table}")})""")
    con.execute(f"drop table raw_{table}")
    con.execute(f"create table raw_{table} (row_number bigint)")
