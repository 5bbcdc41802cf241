"""Rows of a big table that stay in a file: what is passed on is the SQL that reads them, never the rows."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa

from expectations.compile import quoted, sql_text
from ingest.read.columns import ROW_NUMBER


@dataclass(frozen=True)
class StoredRows:
    """As `FiledTable.rows`, but `relation` is SQL of a relation whose columns are `row_number` and `names`, in order.

    `headers` are what the columns are called, as filed or by the standard's fields. The relation gives the rows in the
    order of their numbers.
    """

    relation: str
    names: tuple[str, ...]
    headers: tuple[str, ...]
    num_rows: int

    @property
    def column_names(self) -> list[str]:
        return [ROW_NUMBER, *self.headers]

    def rename_columns(self, names: Sequence[str]) -> "StoredRows":
        return replace(self, headers=tuple(names[1:]))

    @property
    def sql(self) -> str:
        """SQL that selects the rows under their headers."""
        columns = "".join(
            f", {name} as {quoted(header)}" for name, header in zip(self.names, self.headers, strict=True)
        )
        return f"select {ROW_NUMBER}{columns} from {self.relation}"


def stored(pieces: Iterable[pa.Table], target: Path) -> StoredRows:
    """Write pieces of one table (`row_number`, then text columns) to files; no more than one piece lies in memory.

    There is at least one piece, perhaps without rows. A later one may have further columns at its end, which earlier
    rows do not fill.
    """
    import pyarrow.parquet as pq

    rows = 0
    writer = None
    files: list[Path] = []
    headers: list[str] = []
    try:
        for piece in pieces:
            if writer is None or len(piece.column_names) > len(headers) + 1:
                if writer is not None:
                    writer.close()
                headers = piece.column_names[1:]
                names = [f"c{index}" for index in range(len(headers))]
                files.append(target.with_name(f"{len(files)}.{target.name}") if files else target)
                schema = pa.schema([(ROW_NUMBER, pa.int64()), *((name, pa.string()) for name in names)])
                writer = pq.ParquetWriter(files[-1], schema, compression="lz4")
            if piece.num_rows:
                writer.write_table(pa.table(piece.columns, schema=schema))
                rows += piece.num_rows
    finally:
        if writer is not None:
            writer.close()
    listed = ", ".join(sql_text(str(file)) for file in files)
    relation = f"read_parquet([{listed}], union_by_name = true)"
    return StoredRows(relation, tuple(names), tuple(headers), rows)
