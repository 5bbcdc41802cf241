"""From filed headers and cells to an Arrow table of trimmed text: the same for every kind of file."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Protocol, Self, TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from expectations.headers import headers_of, plain_header
from expectations.spec import Standard, TableSpec
from ingest.errors import FilingError


class Named(Protocol):
    """What has columns that can be called otherwise: rows in memory, or those that stay in a file."""

    @property
    def column_names(self) -> list[str]: ...

    def rename_columns(self, names: list[str]) -> Self: ...


Rows = TypeVar("Rows", bound=Named)
ROW_NUMBER = "row_number"
MOST_COLUMNS = 1000  # ten times the widest table of a standard; each column costs memory in every row
YES, NO = "是", "否"
SIGNIFICANT_DIGITS = 15  # what Excel itself keeps; more is noise of binary arithmetic
NUL = "\0"


def column_letter(index: int) -> str:
    """What a spreadsheet calls the column at a 0-based index: A, B, .. Z, AA."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def cell_text(value: str | bool | float | Decimal) -> str:
    """A value as its filer would write it down: 756 and not 756.0, 0.00001 and not 1E-05, 是 / 否.

    Binary floats are written to 15 significant digits, decimals exactly; neither keeps zeros that end a fraction.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return YES if value else NO
    exact = value if isinstance(value, Decimal) else Decimal(f"{value:.{SIGNIFICANT_DIGITS}g}")
    plain = format(exact, "f")
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


def check_headers(headers: Sequence[str], file: str, row: int | None) -> None:
    """Refuse headers that can't name columns; `row` is null where no row of the file holds them (Parquet).

    Texts give columns by letter, never by header: where the header row was forgotten, it is data.

    Raises:
        FilingError: too many; a header is empty, stands twice (case does not tell names apart) or is `row_number`.
    """
    refuse_many_columns(len(headers), file)
    zh, en = (f"第 {row} 行（表头）的 ", f"row {row} (the header)") if row else ("", "the schema")
    seen: dict[str, int] = {}
    for index, header in enumerate(headers):
        letter = column_letter(index)
        if not header or NUL in header:
            raise FilingError(
                f"{file}：{zh}{letter} 列没有列名。请填写列名，或删除该列。",
                f"{file}: {en} has no name in column {letter}. Name the column or delete it.",
            )
        name = header.casefold()
        if name == ROW_NUMBER:
            raise FilingError(
                f"{file}：{letter} 列的列名 row_number 由平台保留。请改用其他列名。",
                f"{file}: column {letter} is called row_number, a name the platform keeps. Rename it.",
            )
        if name in seen:
            first = column_letter(seen[name])
            raise FilingError(
                f"{file}：{zh}{first} 列和 {letter} 列列名相同。请改名或删除一列。",
                f"{file}: {en} names columns {first} and {letter} alike. Rename or delete one.",
            )
        seen[name] = index


def refuse_many_columns(count: int, file: str) -> None:
    if count > MOST_COLUMNS:
        raise FilingError(
            f"{file}：有 {count} 列，最多 {MOST_COLUMNS} 列。请只保留标准中的列。",
            f"{file}: {count} columns, at most {MOST_COLUMNS}. Keep the columns of the standard.",
        )


def refuse_nul(texts: pa.Array, row_numbers: Sequence[int], file: str) -> None:
    """NUL ends a text early in other programs: a value that holds one would be read differently by each.

    Raises:
        FilingError: says the row.
    """
    found = pc.match_substring(texts, NUL)
    if pc.any(found).as_py():
        row = row_numbers[pc.index(found, True).as_py()]
        raise FilingError(
            f"{file}：第 {row} 行含有空字符（NUL）。请重新导出文件。",
            f"{file}: row {row} holds a NUL byte. Export the file again.",
        )


def text_table(row_numbers: pa.Array, headers: Sequence[str], columns: Sequence[pa.ChunkedArray]) -> pa.Table:
    """Trim every cell and make empty ones null. Rows without any content are blank lines, not rows.

    Returns `row_number` (int64), then one string column per header.
    """
    tidied = [_tidied(column) for column in columns]
    filled = None
    for column in tidied:
        present = pc.is_valid(column)
        filled = present if filled is None else pc.or_(filled, present)
    table = pa.table([row_numbers, *tidied], names=[ROW_NUMBER, *headers])
    return table if filled is None or pc.all(filled).as_py() else table.filter(filled)


def with_field_names(rows: Rows, standard: Standard, spec: TableSpec, file: str) -> Rows:
    """The same rows, each column named by the standard's field where the header is one of its names.

    Names are the field's own, its further labels and the one of our templates, as `plain_header` compares them.
    Another unit makes another header: 万元 for 元 is a column that nobody knows.

    Raises:
        FilingError: two columns mean the same field.
    """
    fields = {plain_header(header): name for header, name in headers_of(standard, spec).items()}
    names: dict[str, str] = {}
    for header in rows.column_names[1:]:
        name = fields.get(plain_header(header), header)
        if name in names:
            # both mean a field, so both are words of the standard and no data of a forgotten header row
            field, first = spec.by_name[name], names[name]
            raise FilingError(
                f"{file}：列“{first}”和“{header}”都是“{field.zh} {name}”。请只保留一列。",
                f'{file}: columns "{first}" and "{header}" are both {field.zh} {name}. Keep one of them.',
            )
        names[name] = header
    return rows.rename_columns([ROW_NUMBER, *names])


def _tidied(column: pa.ChunkedArray) -> pa.ChunkedArray:
    trimmed = pc.utf8_trim_whitespace(column)
    return pc.if_else(pc.equal(trimmed, ""), pa.scalar(None, pa.string()), trimmed)
