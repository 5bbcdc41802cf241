"""Filed rows, typed: ONE select over the texts as filed makes casts, masks and typed rows in the same pass.

filed_<table> holds the typed rows and `mask_<n>`: bit i set when check i of the row scope is broken; of a long table
also `missing_reasons` as accepted rows have it (so of rows that were typed together with those of other filings) and
`blanks_<n>`: bit i set when field i is blank. A long table whose database is a file lies beside it as Parquet, and
filed_<table> is a view of it: such a file takes a third of the work of a table of the database.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

import duckdb

from expectations.columns import study
from expectations.compile import (
    UNKNOWN,
    Check,
    ColumnFacts,
    checks_of,
    column_names,
    missing_reasons,
    personal_cells,
    spelled_codes,
    sql_text,
    text_column,
    typed_rows,
    version_expression,
)
from expectations.near import make_known
from expectations.spec import Standard, TableSpec
from expectations.work_database import DISABLED_OPTIMIZERS, context_values, drop_relation, one_row, unsettle

BITS = 63  # a BIGINT's usable bits
REASONS_COLUMN = "missing_reasons"
BLANKS = "blanks_"
# it makes a join of a long list after IN; what comes out of a join two threads write as it comes to each
# (seen with Parquet as source), and rows would lie out of their order
UNORDERED_OPTIMIZERS = "in_clause"


@contextmanager
def planned_as_written(con: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """No optimizer inside, for layered projections with no filter or join to plan.

    It would inline the layers into each other and plan every cast once per rule, five times the cost of running them
    on a small filing.
    """
    con.execute("pragma disable_optimizer")
    try:
        yield
    finally:
        # a transaction that an error has aborted takes no statement, and would hide the error
        with suppress(duckdb.TransactionException):
            con.execute("pragma enable_optimizer")


def type_rows(con: duckdb.DuckDBPyConnection, standard: Standard, table: str) -> list[Check]:
    """Make filed_<table> from raw_<table>, and known_<table>; return the table's checks, in bit order.

    What was settled of other rows of the table is settled no more.
    """
    unsettle(con, table)
    spec = standard.all_tables[table]
    filed = column_names(con, f"raw_{table}")
    columns = [name for name in filed if name != "row_number"]
    checks = checks_of(standard, table, columns)
    facts = study(con, standard, spec, checks)
    told = "".join(f", {value} as {name}" for name, value in context_values(con, standard).items())
    judged = judged_rows(standard, spec, columns, checks, f"raw_{table}", f"select *{told} from as_typed", facts)
    if facts:
        _keep_long(con, f"filed_{table}", judged)
    else:
        with planned_as_written(con):
            con.execute(f"create or replace table filed_{table} as {judged}")
    make_known(con, standard, spec)
    return checks


def judged_rows(
    standard: Standard,
    spec: TableSpec,
    columns: Sequence[str],
    checks: Sequence[Check],
    source: str,
    told: str,
    facts: Mapping[str, ColumnFacts] | None = None,
    with_reasons: bool = False,
) -> str:
    """SQL of filed_<table> from rows of text; `told` is a query over `as_typed` that adds the filing's context.

    `with_reasons` adds `missing_reasons`, which a long table (one with `facts`) always has.
    """
    facts = facts or {}
    unbroken = frozenset(index for each in facts.values() for index in each.unbroken)
    dirty = {check.field for check in checks if check.rule.for_each == "columns" and check.index not in unbroken}
    cells = personal_cells(spec, columns, lambda name: name not in dirty)
    typed = typed_rows(spec.fields, columns, source, f", {cells} as personal_cells", facts, spelled_codes(standard))
    kept = ", ".join(field.name for field in spec.fields)
    row_checks = [check for check in checks if check.rule.scope == "row"]
    masks = ", ".join(f"{mask} as mask_{number}" for number, mask in enumerate(_masks(row_checks, unbroken)))
    beside = ""
    if facts or with_reasons:
        reasons = missing_reasons(standard, spec, columns, lambda name: facts.get(name, UNKNOWN).gives_reasons)
        beside = f", {reasons} as {REASONS_COLUMN}"
    if facts:
        beside += "".join(f", {word} as {BLANKS}{number}" for number, word in enumerate(_blank_words(spec)))
    return f"""
        with as_typed as ({typed}),
        as_told as ({told}),
        as_judged as (select *, {version_expression(standard, spec)} as standard_version from as_told)
        select row_number, standard_version, {", ".join(filter(None, [kept, *standard.head.context, masks]))}{beside}
        from as_judged"""


def _keep_long(con: duckdb.DuckDBPyConnection, name: str, query: str) -> None:
    """Keep the rows of a query under this name, in their order. Planning is soon made up for in a long table."""
    place = one_row(con, "select path from duckdb_databases() where database_name = current_database()")[0]
    if place is None:
        con.execute(f"create or replace table {name} as {query}")
        return
    drop_relation(con, name)
    file = sql_text(f"{place}.{name}.parquet")
    con.execute(f"set disabled_optimizers = '{DISABLED_OPTIMIZERS},{UNORDERED_OPTIMIZERS}'")
    try:
        con.execute(f"copy ({query}) to {file} (format parquet, compression lz4_raw)")
    finally:
        con.execute(f"set disabled_optimizers = '{DISABLED_OPTIMIZERS}'")
    con.execute(f"create view {name} as select * from read_parquet({file})")


def _blank_words(spec: TableSpec) -> list[str]:
    """SQL of the words of bits that say which fields are blank as filed."""
    names = [field.name for field in spec.fields]
    words = [names[start : start + BITS] for start in range(0, len(names), BITS)]
    return [
        _either(
            [f"(case when {text_column(name)} is null then {1 << bit} else 0 end)" for bit, name in enumerate(word)]
        )
        for word in words
    ]


def is_blank(spec: TableSpec, field: str) -> str:
    """SQL of whether a field of a row of filed_<table> is blank as filed; only a long table's rows tell."""
    word, bit = divmod(list(spec.by_name).index(field), BITS)
    return f"{BLANKS}{word} & {1 << bit} <> 0"


def is_long(filed_columns: Collection[str]) -> bool:
    """Whether these are the columns of filed_<table> of a long table."""
    return f"{BLANKS}0" in filed_columns


def _masks(row_checks: Sequence[Check], unbroken: Collection[int] = ()) -> list[str]:
    """SQL of the words of bits; a check that nothing breaks leaves its bit at zero."""
    words = [row_checks[start : start + BITS] for start in range(0, len(row_checks), BITS)]
    return [
        _either(
            [
                f"(case when {check.sql} is false then {1 << bit} else 0 end)"
                for bit, check in enumerate(word)
                if check.index not in unbroken
            ]
            or ["0"]
        )
        for word in words
    ]


def _either(terms: Sequence[str]) -> str:
    """SQL of `a | b | c ..` as a balanced tree: DuckDB plans a term once for each operator above it."""
    if len(terms) == 1:
        return terms[0]
    middle = len(terms) // 2
    return f"({_either(terms[:middle])} | {_either(terms[middle:])})"


def mask_bit(check: Check, row_checks: Sequence[Check]) -> str:
    word, bit = divmod(row_checks.index(check), BITS)
    return f"mask_{word} & {1 << bit} <> 0"
