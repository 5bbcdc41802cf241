"""The tables of a release: copied from the warehouse in a fixed order, and told apart by a digest of their rows."""

from pathlib import Path

import duckdb

from expectations.compile import sql_text
from ingest.errors import StorageError
from ingest.paths import file_digest, home, scratch
from ingest.release.folder import DATABASE
from ingest.release_columns import withheld_columns

RELEASED_SCHEMAS = ("core", "market", "quality", "compliance", "public")
STORAGE_VERSION = "v1.4.0"  # older DuckDBs and duckdb-wasm can open it


def copy_tables(con: duckdb.DuckDBPyConnection, folder: Path) -> list[tuple[str, str]]:
    """Copy every mart into `folder` as Parquet, and all into one database that stays attached as `release`.

    Returns (schema, table) of each. `con` should have one thread: with more, DuckDB lays out the database by chance.
    """
    con.execute(f"attach {sql_text(str(home().warehouse))} as warehouse (read_only)")
    con.execute(f"attach {sql_text(str(folder / DATABASE))} as release (storage_version '{STORAGE_VERSION}')")
    tables = released_tables(con, "warehouse")
    if not tables:
        raise StorageError("市场库中没有可发布的表。", "The warehouse holds no table to release.")
    for schema, table in tables:
        if not (folder / schema).exists():
            (folder / schema).mkdir()
            con.execute(f"create schema release.{schema}")
        withheld = withheld_columns().get(table, ())
        shown = f"* exclude ({', '.join(withheld)})" if withheld else "*"
        con.execute(
            f"create table release.{schema}.{table} as select {shown} from warehouse.{schema}.{table} order by all"
        )
        _copy_comments(con, schema, table, withheld)
        con.execute(
            f"copy release.{schema}.{table} "  # it stands in order: sorting ten million loans once is dear enough
            f"to {sql_text(str(folder / parquet_name(schema, table)))} (format parquet, compression zstd)"
        )
    con.execute("detach warehouse")
    return tables


def parquet_name(schema: str, table: str) -> str:
    """Where a table stands in a release."""
    return f"{schema}/{table}.parquet"


def released_tables(con: duckdb.DuckDBPyConnection, database: str) -> list[tuple[str, str]]:
    """(schema, table) of what is released, by name; leaving out whatever else a database holds."""
    return con.execute(
        """
        select schema_name, table_name from duckdb_tables()
        where database_name = ? and schema_name in (select unnest(?))
        order by all""",
        [database, list(RELEASED_SCHEMAS)],
    ).fetchall()


def content_digest(con: duckdb.DuckDBPyConnection, table: str, *, stands_in_order: bool = False) -> str:
    """SHA-256 of a table's rows: of what `copy (select * from <table> order by all) to 'rows.csv' (header)` writes.

    DuckDB files of the same rows differ by chance; this does not, and anyone can work it out. Only who has just written
    the table in that order, by one thread, knows that it `stands_in_order` and saves the sorting.
    """
    with scratch() as folder:
        rows = folder / "rows.csv"
        order = "" if stands_in_order else " order by all"
        con.execute(f"copy (select * from {table}{order}) to {sql_text(str(rows))} (format csv, header)")
        return file_digest(rows)


def _copy_comments(con: duckdb.DuckDBPyConnection, schema: str, table: str, withheld: tuple[str, ...]) -> None:
    """Definitions stand where the columns are: table and column comments go with the data."""
    place = ["warehouse", schema, table]
    for (comment,) in con.execute(
        "select comment from duckdb_tables() where database_name = ? and schema_name = ? and table_name = ? "
        "and comment is not null",
        place,
    ).fetchall():
        con.execute(f"comment on table release.{schema}.{table} is {sql_text(comment)}")
    for column, comment in con.execute(
        "select column_name, comment from duckdb_columns() where database_name = ? and schema_name = ? "
        "and table_name = ? and comment is not null and column_name not in (select unnest(?)) order by column_index",
        [*place, list(withheld)],
    ).fetchall():
        con.execute(f"comment on column release.{schema}.{table}.{column} is {sql_text(comment)}")
