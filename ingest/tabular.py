"""Query results for a terminal, and as CSV, JSON, Parquet or Arrow: batch by batch, but for the terminal's table."""

import csv
import datetime
import decimal
import io
import json
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, BinaryIO

if TYPE_CHECKING:
    import pyarrow as pa

    from ingest.release.query import Result

Rows = Sequence[Sequence[Any]]


def write_result(result: "Result", kind: str, out: BinaryIO) -> None:
    """Write what a query returns as `table`, `csv`, `json`, `parquet` or `arrow` (IPC file).

    Raises:
        pyarrow.ArrowException: a column's type cannot be held in the format.
    """
    if kind in BINARY:
        BINARY[kind](result, out)
        return
    for text in TEXT[kind](result.names, rows_of(result)):
        out.write(text.encode())


def rows_of(batches: Iterable["pa.RecordBatch"]) -> Iterator[tuple[Any, ...]]:
    """The rows of Arrow batches as Python values; columns may bear one name twice."""
    for batch in batches:
        yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)


def render(names: Sequence[str], rows: Rows, kind: str) -> str:
    """The rows as `table`, `csv` or `json` text, ending with a newline. Decimals keep their digits."""
    return "".join(TEXT[kind](names, rows))


def plain(value: Any) -> Any:
    """A value as JSON writes it."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, decimal.Decimal):
        return float(value) if value != value.to_integral_value() else int(value)
    if isinstance(value, (datetime.date, datetime.datetime)):
        return value.isoformat()
    return str(value)


def _json(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    before = "[\n "
    for row in rows:
        listed = dict(zip(names, row, strict=True))
        yield before + json.dumps(listed, ensure_ascii=False, default=plain)
        before = ",\n "
    yield "[]\n" if before.startswith("[") else "\n]\n"


def _csv(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(names)
    for row in rows:
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
        writer.writerow([_text(value) for value in row])
    yield buffer.getvalue()


def _table(names: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    rows = list(rows)
    cells = [list(names), *([_text(value) for value in row] for row in rows)]
    widths = [max(_width(row[column]) for row in cells) for column in range(len(names))]
    numeric = [
        bool(rows)
        and all(
            value is None or (isinstance(value, (int, float, decimal.Decimal)) and not isinstance(value, bool))
            for value in column
        )
        for column in zip(*rows, strict=True)
    ] or [False] * len(names)
    lines = [
        "  ".join(_padded(cell, width, right) for cell, width, right in zip(row, widths, numeric, strict=True)).rstrip()
        for row in cells
    ]
    lines.insert(1, "  ".join("-" * width for width in widths))
    yield "\n".join([*lines, f"({len(rows)} {'row' if len(rows) == 1 else 'rows'})"]) + "\n"


def _parquet(result: "Result", out: BinaryIO) -> None:
    import pyarrow.parquet as pq

    with pq.ParquetWriter(out, result.schema) as writer:
        for batch in result:
            writer.write_batch(batch)


def _arrow(result: "Result", out: BinaryIO) -> None:
    import pyarrow as pa

    with pa.ipc.new_file(out, result.schema) as writer:
        for batch in result:
            writer.write_batch(batch)


TEXT: dict[str, Callable[[Sequence[str], Iterable[Sequence[Any]]], Iterator[str]]] = {
    "table": _table,
    "csv": _csv,
    "json": _json,
}
BINARY: dict[str, Callable[["Result", BinaryIO], None]] = {"parquet": _parquet, "arrow": _arrow}


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _width(text: str) -> int:
    """Columns on a terminal: a Chinese character takes two."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def _padded(text: str, width: int, right: bool) -> str:
    space = " " * (width - _width(text))
    return space + text if right else text + space
