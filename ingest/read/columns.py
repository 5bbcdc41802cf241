"""From filed headers and cells to an Arrow table of trimmed text: the same for every kind of file."""

import unicodedata
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from expectations.headers import REQUIRED_MARK, headers_of
from expectations.spec import Standard, TableSpec
from ingest.errors import FilingError

ROW_NUMBER = "row_number"


def column_letter(index: int) -> str:
    """What a spreadsheet calls the column at a 0-based index: A, B, .. Z, AA."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def check_headers(headers: Sequence[str], file: str, row: int) -> None:
    """Refuse headers that can't name columns.

    Texts give columns by letter, never by header: where the header row was forgotten, it is data.

    Raises:
        FilingError: a header is empty, stands twice (case does not tell names apart) or is `row_number`.
    """
    seen: dict[str, int] = {}
    for index, header in enumerate(headers):
        letter = column_letter(index)
        if not header:
            raise FilingError(
                f"{file}：第 {row} 行（表头）的 {letter} 列没有列名。请填写列名，或删除该列。",
                f"{file}: row {row} (the header) has no name in column {letter}. Name the column or delete it.",
            )
        name = header.casefold()
        if name == ROW_NUMBER:
            raise FilingError(
                f"{file}：{letter} 列的列名 row_number 由平台保留。请改用其他列名。",
                f"{file}: column {letter} is called row_number, a name the platform keeps. Rename it.",
            )
        if name in seen:
            raise _twice(file, row, seen[name], index)
        seen[name] = index


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


def with_field_names(rows: pa.Table, standard: Standard, spec: TableSpec, file: str) -> pa.Table:
    """The same rows, each column named by the standard's field where the header is one of its names.

    Names are the field's own and the one of our templates. Spaces, line breaks, full-width brackets and the `*` of
    templates make no other header. Another unit does: 万元 for 元 is a column that nobody knows.

    Raises:
        FilingError: two columns mean the same field.
    """
    fields = {_plain(header): name for header, name in headers_of(standard, spec).items()}
    names: list[str] = []
    for index, header in enumerate(rows.column_names[1:]):
        name = fields.get(_plain(header), header)
        if name in names:
            field = spec.by_name.get(name)
            label = f"{field.zh} {name}" if field else "?"
            first, second = column_letter(names.index(name)), column_letter(index)
            raise FilingError(
                f"{file}：{first} 列和 {second} 列都是“{label}”。请只保留一列。",
                f"{file}: columns {first} and {second} are both {label}. Keep one of them.",
            )
        names.append(name)
    return rows.rename_columns([ROW_NUMBER, *names])


def _plain(header: str) -> str:
    return "".join(unicodedata.normalize("NFKC", header).split()).lstrip(REQUIRED_MARK)


def _twice(file: str, row: int, first: int, second: int) -> FilingError:
    letters = column_letter(first), column_letter(second)
    return FilingError(
        f"{file}：第 {row} 行（表头）的 {letters[0]} 列和 {letters[1]} 列列名相同。请改名或删除一列。",
        f"{file}: row {row} (the header) names columns {letters[0]} and {letters[1]} alike. Rename or delete one.",
    )


def _tidied(column: pa.ChunkedArray) -> pa.ChunkedArray:
    trimmed = pc.utf8_trim_whitespace(column)
    return pc.if_else(pc.equal(trimmed, ""), pa.scalar(None, pa.string()), trimmed)
