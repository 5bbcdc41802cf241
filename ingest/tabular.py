"""Query results as text for a terminal, CSV, JSON, or a Parquet file."""

import csv
import datetime
import decimal
import io
import json
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ingest.paths import temporary_beside

Rows = Sequence[Sequence[Any]]


def render(names: Sequence[str], rows: Rows, kind: str) -> str:
    """The rows as `table`, `csv` or `json` text, ending with a newline. Decimals keep their digits."""
    if kind == "json":
        return (
            json.dumps(
                [dict(zip(names, row, strict=True)) for row in rows], ensure_ascii=False, indent=1, default=_plain
            )
            + "\n"
        )
    if kind == "csv":
        buffer = io.StringIO(newline="")
        writer = csv.writer(buffer, lineterminator="\n")
        writer.writerow(names)
        writer.writerows([_text(value) for value in row] for row in rows)
        return buffer.getvalue()
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
    return "\n".join([*lines, f"({len(rows)} {'row' if len(rows) == 1 else 'rows'})"]) + "\n"


def write_parquet(names: Sequence[str], rows: Rows, path: Path) -> None:
    """The rows as a Parquet file, whole or not at all."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    temporary = temporary_beside(path)
    columns: list[Sequence[Any]] = list(zip(*rows, strict=True)) if rows else [[] for _ in names]
    pq.write_table(pa.table({name: pa.array(column) for name, column in zip(names, columns, strict=True)}), temporary)
    temporary.replace(path)


def _plain(value: Any) -> Any:
    if isinstance(value, decimal.Decimal):
        return float(value) if value != value.to_integral_value() else int(value)
    if isinstance(value, (datetime.date, datetime.datetime)):
        return value.isoformat()
    return str(value)


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _width(text: str) -> int:
    """Columns on a terminal: a Chinese character takes two."""
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)


def _padded(text: str, width: int, right: bool) -> str:
    space = " " * (width - _width(text))
    return space + text if right else text + space
