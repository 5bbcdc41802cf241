"""The registry as files: each table one Parquet file, by its primary key; the same rows give the same bytes.

Not `pg_dump`: so one copy fits SQLite and PostgreSQL, either can be restored into the other, and no program of the
database's own version has to be at hand. The tables are those that the database says it has: a registry that waits for
its upgrade is copied as well.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa

from ingest import migrations, registry
from ingest.errors import UsageError

ROWS_AT_ONCE = 10_000


def tables_of(connection: sa.Connection) -> Sequence[sa.Table]:
    """The registry's tables in an order in which each comes after those that it refers to."""
    found = sa.MetaData()
    found.reflect(connection)
    return [table for table in found.sorted_tables if table.name != migrations.VERSION_TABLE]


def write_tables(connection: sa.Connection, folder: Path) -> Iterator[tuple[str, Path, int]]:
    """Write every table into a folder; yield its name, file and number of rows."""
    for table in tables_of(connection):
        file = folder / f"{table.name}.parquet"
        columns = pa.schema([(column.name, _arrow_type(column)) for column in table.columns])
        query = sa.select(table).order_by(*table.primary_key.columns).execution_options(yield_per=ROWS_AT_ONCE)
        count = 0
        with pq.ParquetWriter(file, columns, compression="zstd") as writer:
            for rows in connection.execute(query).mappings().partitions():
                writer.write_table(pa.Table.from_pylist([dict(row) for row in rows], schema=columns))
                count += len(rows)
        yield table.name, file, count


def fill(revision: str, files: dict[str, Path]) -> None:
    """Make an empty registry hold what was copied at a revision, then bring it to this program's.

    All of it in one transaction, or none.

    Raises:
        UsageError: the copy is of a newer program, or the registry is not empty.
        StorageError: the database cannot be written.
    """
    if revision > migrations.head():
        raise UsageError(
            f"备份的登记库版本 {revision} 比程序（{migrations.head()}）新，请用更新的程序恢复。",
            f"The backup's registry is at revision {revision}, this program at {migrations.head()}: take a newer one.",
        )
    with registry.unprepared(writing=True) as connection:
        refuse_unless_empty(connection)
        for table in reversed(tables_of(connection)):
            table.drop(connection)
        migrations.start_at(connection, revision)
        for table in tables_of(connection):
            for rows in pq.ParquetFile(files[table.name]).iter_batches(ROWS_AT_ONCE):
                connection.execute(table.insert(), rows.to_pylist())
            _continue_numbering(connection, table)
    registry.upgrade()


def refuse_unless_empty(connection: sa.Connection) -> None:
    """
    Raises:
        UsageError: some table of the registry has a row.
    """
    for table in tables_of(connection):
        if connection.execute(sa.select(sa.literal(1)).select_from(table).limit(1)).first():
            raise UsageError(
                f"登记库不是空的（{table.name}）。只能恢复到新的登记库和新的 NPL_HOME。",
                f"The registry is not empty ({table.name}). A restore needs a new registry and a new NPL_HOME.",
            )


def _arrow_type(column: sa.Column[Any]) -> pa.DataType:
    if isinstance(column.type, sa.Integer):
        return pa.int64()
    if isinstance(column.type, sa.DateTime):
        return pa.timestamp("us")
    if isinstance(column.type, sa.String):
        return pa.string()
    raise TypeError(f"{column.table}.{column.name}: a backup has no form for {column.type!r}")


def _continue_numbering(connection: sa.Connection, table: sa.Table) -> None:
    """PostgreSQL numbers from a sequence that knows nothing of rows which brought their numbers along."""
    if connection.dialect.name != "postgresql":
        return
    for column in table.primary_key.columns:
        if isinstance(column.type, sa.Integer):
            sequence = sa.func.pg_get_serial_sequence(table.name, column.name)
            if connection.execute(sa.select(sequence)).scalar():
                last = sa.select(sa.func.max(column)).scalar_subquery()
                connection.execute(sa.select(sa.func.setval(sequence, sa.func.coalesce(last, 1), last.is_not(None))))
