"""The work database, one per filing or chunk of filings: where it is, and the relations that judging starts from.

For each table of the standard:
  raw_<table>        as filed: `row_number`, then one text column per filed column (made by whoever reads the filing)
  accepted_<table>   accepted rows in force, typed (made by whoever keeps them; empty when there are none)
  filed_<table>      typed rows (`expectations.filed_rows`)
  known_<table>      accepted_<table> and filed_<table> together, for rules across filings; of a large table there are
                     also near_<table> and tally_<table>, which cost less (`expectations.near`)
  broken_<table>     (check_index, row_number) of the rules of scope `table` and `cross` (`expectations.engine`)
  held_<table>       (row_number) of the rows that are held (`expectations.engine`)
and for all tables together:
  filing_context     one row: what is known of the whole filing
  settled_checks     (table_name, check_index, row_number) of rules of scope `table` and `cross` that need not be asked
                     any more: the rows that break them, and one without a row number for each; one without either says
                     that filed_<table> was typed before the filing's turn
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa

from expectations.compile import kind_of, macros_of, sql_text
from expectations.near import make_known, show_plainly
from expectations.spec import Standard, TableSpec

# DuckDB 2.0.1 takes a cast into the reading of a CSV file, where a bad value raises instead of becoming null
DISABLED_OPTIMIZERS = "type_pushdown"


@dataclass(frozen=True)
class WorkDatabase:
    """Where the relations of one filing live, and the limits that keep one filing from taking the machine.

    `path` is a file, or `:memory:<name>`: that lasts as long as a connection of this process to it is open. `spill` is
    the folder for what does not fit into memory; empty is beside the file.
    """

    path: str
    memory_limit: str = "2GB"
    threads: int = 2
    spill: str = ""

    def connect(self) -> duckdb.DuckDBPyConnection:
        """Another connection to it: those of one process share what was committed."""
        config: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": self.memory_limit,
            "threads": self.threads,
            "disabled_optimizers": DISABLED_OPTIMIZERS,
        }
        return duckdb.connect(self.path, config=config | ({"temp_directory": self.spill} if self.spill else {}))


def connect(path: str, memory_limit: str = "2GB", threads: int = 2) -> duckdb.DuckDBPyConnection:
    """A connection to a work database with the limits that keep one filing from taking the machine."""
    return WorkDatabase(path, memory_limit, threads).connect()


def prepare(con: duckdb.DuckDBPyConnection, standard: Standard, context: Mapping[str, str | None]) -> None:
    """Make the standard's macros, the filing's context and empty relations for whatever was not provided."""
    for statement in macros_of(standard):
        con.execute(statement)
    tell_context(con, standard, context)
    settle_checks(con, [])
    present = relations(con)
    for name, shape in standard.head.references.items():
        if name not in present:
            con.execute(
                f"create table {name} ({', '.join(f'{column} {kind_of(kind)}' for column, kind in shape.items())})"
            )
            for row in standard.registers.get(name, ()):
                con.execute(f"insert into {name} values ({', '.join('?' * len(row))})", list(row.values()))
    for table in standard.all_tables.values():
        if f"accepted_{table.table}" not in present:
            con.execute(f"create table accepted_{table.table} ({accepted_ddl(table)})")
        show_plainly(con, table)
        if f"raw_{table.table}" not in present:
            con.execute(f"create table raw_{table.table} (row_number bigint)")
        _make_unfiled(con, standard, table)


def take_back(con: duckdb.DuckDBPyConnection, standard: Standard, tables: Iterable[str]) -> None:
    """Make these tables as those that a filing does not carry, for the next filing in the same work database."""
    for table in tables:
        con.execute(f"create or replace table raw_{table} (row_number bigint)")
        _make_unfiled(con, standard, standard.all_tables[table])


def _make_unfiled(con: duckdb.DuckDBPyConnection, standard: Standard, spec: TableSpec) -> None:
    con.execute(f"create or replace table filed_{spec.table} as select * from accepted_{spec.table} limit 0")
    make_known(con, standard, spec)


def tell_context(con: duckdb.DuckDBPyConnection, standard: Standard, context: Mapping[str, str | None]) -> None:
    """Make `filing_context`: what is known of the whole filing."""
    columns = ", ".join(
        f"{sql_text(context.get(name))}::{kind_of(kind)} as {name}" for name, kind in standard.head.context.items()
    )
    con.execute(f"create or replace table filing_context as select {columns or '1 as nothing'}")


def context_values(con: duckdb.DuckDBPyConnection, standard: Standard) -> dict[str, str]:
    """SQL literals of what is known of the whole filing: a join would copy every column of every row for them."""
    names = list(standard.head.context)
    texts = ", ".join(f"{name}::varchar" for name in names)
    values = one_row(con, f"select {texts} from filing_context") if names else ()
    return {
        name: f"{sql_text(value)}::{kind_of(standard.head.context[name])}"
        for name, value in zip(names, values, strict=True)
    }


def settle_checks(con: duckdb.DuckDBPyConnection, queries: Sequence[str]) -> None:
    """Make `settled_checks` of what these queries find, in place of what was settled before."""
    found = " union all ".join(queries or ["select null, null, null limit 0"])
    con.execute(
        "create or replace table settled_checks as "
        "select table_name::varchar as table_name, check_index::integer as check_index, "
        f"row_number::bigint as row_number from ({found}) as found(table_name, check_index, row_number)"
    )


def unsettle(con: duckdb.DuckDBPyConnection, table: str) -> None:
    """Forget what was settled of a table: its rows are no longer those of which it was found."""
    con.execute(f"delete from settled_checks where table_name = '{table}'")


def is_typed_ahead(con: duckdb.DuckDBPyConnection, table: str) -> bool:
    """Whether filed_<table> was typed before the filing's turn, and what is settled of it still holds."""
    return bool(
        one_row(con, f"select count(*) from settled_checks where table_name = '{table}' and check_index is null")[0]
    )


def relations(con: duckdb.DuckDBPyConnection) -> set[str]:
    """Names of the tables and views in the work database."""
    return {name for (name,) in con.execute("select table_name from information_schema.tables").fetchall()}


def drop_relation(con: duckdb.DuckDBPyConnection, name: str) -> None:
    """Drop a table or a view, whichever has this name, if any."""
    kind = "table" if (name,) in con.execute("select table_name from duckdb_tables()").fetchall() else "view"
    con.execute(f"drop {kind} if exists {name}")


def accepted_ddl(table: TableSpec) -> str:
    """Columns of accepted rows, as DuckDB DDL."""
    fields = ", ".join(f"{field.name} {kind_of(field.type)}" for field in table.fields)
    return (
        "filing_id varchar, filing_institution varchar, filing_period varchar, "
        "row_number bigint, standard_version varchar, "
        f"{fields}, missing_reasons map(varchar, varchar)"
    )


def load_rows(con: duckdb.DuckDBPyConnection, table: str, rows: pa.Table) -> None:
    """Make raw_<table> from text rows (first column `row_number`)."""
    con.register("rows_as_filed", rows)
    con.execute(f"create or replace table raw_{table} as select * from rows_as_filed")
    con.unregister("rows_as_filed")


def count_rows(con: duckdb.DuckDBPyConnection, relation: str) -> int:
    """Rows of a relation of the work database."""
    return int(one_row(con, f"select count(*) from {relation}")[0])


def one_row(con: duckdb.DuckDBPyConnection, sql: str) -> tuple[Any, ...]:
    # fetchone() would leave a streaming result open, and DuckDB 2 then refuses the next statement
    (row,) = con.execute(sql).fetchall()
    return tuple(row)
