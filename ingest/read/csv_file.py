"""CSV as filed (RFC 4180, comma) to text columns: every row kept and numbered as a spreadsheet shows it, or refused.

One scan of our own finds the rows (quotes, line ends, cells per row) and is the judge of the file's shape;
pyarrow then only cuts out the cells, many times faster than Python, and must find the same number of rows.
"""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as arrow_csv

from ingest.errors import FilingError, JudgeError
from ingest.paths import file_digest
from ingest.read.columns import check_headers, column_letter, text_table
from ingest.read.encoding import BYTE_ORDER_MARKS, UTF8, Content, decode, let_go, refuse_doubtful
from ingest.read.plain_csv import plain_csv
from ingest.read.stored import StoredRows, stored
from ingest.read.stored_text import stored_text

PIECE = 1 << 24  # bytes looked at in one go: keeps the scan's own arrays small
LONGEST_HEADER = 100_000
LONGEST_ROW = 10_000_000
ROWS_SHOWN = 5
OTHER_SEPARATORS = {";": "分号 semicolon", "\t": "制表符 tab", "|": "竖线 bar", "，": "全角逗号 full-width comma"}
QUOTE, COMMA, LF, CR = b'",\n\r'

Positions = npt.NDArray[np.int64]


@dataclass(frozen=True)
class _Lines:
    """The rows of a text: positions of the last byte of each one's line end, length and number of cells of each."""

    ends: Positions
    lengths: Positions
    cells: Positions
    breaks_in_cells: bool

    def row_at(self, position: int) -> int:
        return int(np.searchsorted(self.ends, position)) + 1


def read_csv(content: bytes, file: str, told: str | None = None) -> tuple[pa.Table, str]:
    """Return the rows (`row_number`, then one string column per header as filed) and the encoding found.

    The first row with content is the header; a file with nothing below it has zero rows. Cells are trimmed, empty ones
    null. Columns at the right end without header and content are no part of the table. `told` is the encoding that the
    manifest names; otherwise it is found: byte order mark, strict UTF-8, strict GB18030, and refused where both fit.

    Raises:
        FilingError: not decodable, empty, a NUL byte, quotes that don't pair, another separator, a row with more or
            fewer cells than the header, a header that is empty or stands twice. Texts give file, row and counts, never
            what a cell holds.
    """
    text, encoding = decode(content, file, told)
    if told is None and not content.startswith(tuple(BYTE_ORDER_MARKS)):
        refuse_doubtful(content, encoding, file)
    return pa.concat_tables(_pieces(text, file)), encoding


def store_csv(path: Path, file: str, told: str | None, spool: Path) -> tuple[StoredRows, str, str]:
    """The same of a big file, and the SHA-256 of its bytes: neither the file nor its rows are held in memory.

    A plain file is read where it lies; any other is cut as `read_csv` cuts it and written into the folder `spool`.

    Raises:
        FilingError: as `read_csv`.
    """
    plain = plain_csv(path, file, told, spool)
    if plain is not None:
        return plain
    with stored_text(path, file, told, spool) as found:
        if told is None and not found.has_mark:
            refuse_doubtful(found.content, found.encoding, file)
        rows = stored(_pieces(found.text, file), spool / f"{path.name}.parquet")
    return rows, found.encoding, file_digest(path)


def _pieces(text: Content, file: str) -> Iterator[pa.Table]:
    """The rows of a CSV text, tidied, in pieces: the first one has no rows."""
    lines = _scan(text, file)
    header, cells = _header(text, lines, file)
    named = cells[: max(index for index, name in enumerate(cells) if name) + 1]
    _refuse_separator(named, file, header + 1)
    check_headers(named, file, header + 1)
    below = np.arange(header + 1, lines.ends.size)
    below = below[lines.lengths[below] > 0]
    _refuse_long(lines, file)
    _refuse_ragged(lines, below, len(cells), file, header + 1 if len(named) == 1 else None)
    yield from _tables(text, lines, header, named, len(cells), below, file)


def _scan(text: Content, file: str) -> _Lines:
    """Find every row. A quote opens a cell only at its start and closes it only at its end; inside it is doubled."""
    whole = np.frombuffer(text, np.uint8)
    ends: list[Positions] = []
    cells: list[Positions] = []
    quotes_before = commas_open = rows_before = 0
    breaks_in_cells = False
    for start in range(0, whole.size, PIECE):
        piece = whole[start : start + PIECE]
        quotes = np.flatnonzero(piece == QUOTE) + start
        commas = np.flatnonzero(piece == COMMA) + start
        breaks = np.flatnonzero((piece == LF) | (piece == CR)) + start
        if quotes.size or quotes_before % 2:
            commas = commas[_outside(quotes, quotes_before, commas)]
            outside = _outside(quotes, quotes_before, breaks)
            breaks_in_cells |= not outside.all()
            breaks = breaks[outside]
        # CR LF is one line end: its CR does not count
        breaks = breaks[(whole[breaks] == LF) | (_next(whole, breaks) != LF)]
        stray = _stray_quotes(whole, quotes, quotes_before)
        if stray.size:
            raise _unpaired(file, rows_before + int(np.searchsorted(breaks, stray[0])) + 1)
        commas_until = np.searchsorted(commas, breaks)
        if breaks.size:
            counts = np.diff(commas_until, prepend=0) + 1
            counts[0] += commas_open
            commas_open = int(commas.size - commas_until[-1])
            ends.append(breaks)
            cells.append(counts)
        else:
            commas_open += commas.size
        quotes_before += quotes.size
        rows_before += breaks.size
        let_go(text)
    if quotes_before % 2:
        raise _unpaired(file, rows_before + 1)
    if whole.size and not (ends and ends[-1].size and ends[-1][-1] == whole.size - 1):
        ends.append(np.array([whole.size]))
        cells.append(np.array([commas_open + 1]))
    all_ends = np.concatenate(ends) if ends else np.empty(0, np.int64)
    all_cells = np.concatenate(cells) if cells else np.empty(0, np.int64)
    lengths = np.diff(all_ends, prepend=-1) - 1
    if all_ends.size:
        lengths -= (lengths > 0) & (_at(whole, all_ends) == LF) & (_at(whole, all_ends - 1) == CR)
    lines = _Lines(all_ends, lengths, all_cells, breaks_in_cells)
    nul = text.find(b"\0")
    if nul >= 0:
        row = lines.row_at(nul)
        raise FilingError(
            f"{file}：第 {row} 行含有空字符（NUL）。请重新导出文件。",
            f"{file}: row {row} holds a NUL byte. Export the file again.",
        )
    return lines


def _outside(quotes: Positions, quotes_before: int, positions: Positions) -> npt.NDArray[np.bool_]:
    outside: npt.NDArray[np.bool_] = (np.searchsorted(quotes, positions) + quotes_before) % 2 == 0
    return outside


def _at(whole: npt.NDArray[np.uint8], positions: Positions) -> npt.NDArray[np.uint8]:
    """Bytes at positions; outside the text stands a line end."""
    found = whole[np.clip(positions, 0, whole.size - 1)]
    found[(positions < 0) | (positions >= whole.size)] = CR
    return found


def _next(whole: npt.NDArray[np.uint8], positions: Positions) -> npt.NDArray[np.uint8]:
    return _at(whole, positions + 1)


def _stray_quotes(whole: npt.NDArray[np.uint8], quotes: Positions, quotes_before: int) -> Positions:
    if not quotes.size:
        return quotes
    opening = (np.arange(quotes.size) + quotes_before) % 2 == 0
    beside = np.where(opening, _at(whole, quotes - 1), _next(whole, quotes))
    return quotes[~np.isin(beside, [COMMA, LF, CR, QUOTE])]


def _unpaired(file: str, row: int) -> FilingError:
    return FilingError(
        f"{file}：第 {row} 行的双引号不配对。含双引号的单元格须整体加双引号，其中的双引号写两次。",
        f"{file}: the double quotes of row {row} do not pair. "
        "Enclose a cell that holds quotes in quotes and double those inside.",
    )


def _header(text: Content, lines: _Lines, file: str) -> tuple[int, list[str]]:
    """The index of the first row with content, and its cells."""
    start = 0
    for index, end in enumerate(map(int, lines.ends)):
        if end - start > LONGEST_HEADER:
            raise FilingError(
                f"{file}：第 {index + 1} 行（表头）过长。", f"{file}: row {index + 1} (the header) is too long."
            )
        line = text[start:end].decode(UTF8)
        names = [name.strip() for name in next(csv.reader(io.StringIO(line, newline=""), strict=True), [])]
        if any(names):
            return index, names
        start = end + 1
    raise FilingError(f"{file}：文件是空的，没有表头。", f"{file}: the file is empty, without a header.")


def _refuse_separator(headers: list[str], file: str, row: int) -> None:
    if len(headers) == 1:
        for separator, name in OTHER_SEPARATORS.items():
            if separator in headers[0]:
                zh, en = name.split(" ", 1)
                raise FilingError(
                    f"{file}：第 {row} 行（表头）用{zh}分隔。CSV 须用半角逗号分隔。",
                    f"{file}: row {row} (the header) is separated by {en}s. Separate the cells by commas.",
                )


def _refuse_long(lines: _Lines, file: str) -> None:
    if lines.lengths.size and lines.lengths.max() > LONGEST_ROW:
        row = int(np.argmax(lines.lengths > LONGEST_ROW)) + 1
        raise FilingError(
            f"{file}：第 {row} 行超过 {LONGEST_ROW // 1_000_000} MB。请检查双引号是否配对。",
            f"{file}: row {row} is longer than {LONGEST_ROW // 1_000_000} MB. Check that its quotes pair.",
        )


def _refuse_ragged(lines: _Lines, below: Positions, width: int, file: str, title_row: int | None) -> None:
    ragged = below[lines.cells[below] != width]
    if ragged.size:
        zh, en = "", ""
        if title_row:
            zh, en = f"若第 {title_row} 行是标题而非表头，请删除。", f" If row {title_row} is a title, delete it."
        counts = lines.cells[ragged[:ROWS_SHOWN]].tolist()
        rows = list(zip((ragged[:ROWS_SHOWN] + 1).tolist(), counts, strict=True))
        raise FilingError(
            f"{file}：表头有 {width} 列，但有 {ragged.size} 行的单元格数不同："
            + "，".join(f"第 {row} 行 {count} 个" for row, count in rows)
            + f"。含逗号或换行的单元格须加双引号。{zh}",
            f"{file}: the header has {width} columns, but {ragged.size} row(s) have another number of cells: "
            + ", ".join(f"row {row} has {count}" for row, count in rows)
            + f". Quote cells that hold commas or line breaks.{en}",
        )


def _tables(
    text: Content, lines: _Lines, header: int, headers: list[str], width: int, below: Positions, file: str
) -> Iterator[pa.Table]:
    """The rows below the header, cut out and tidied piece by piece: so the cells lie in memory once, not twice."""
    names = [str(index) for index in range(width)]
    whole = pa.py_buffer(text)
    yield text_table(pa.array([], pa.int64()), headers, [pa.chunked_array([], pa.string())] * len(headers))
    first = header + 1
    while first < lines.ends.size:
        # pyarrow loses the LF of a CR LF inside quotes where its blocks meet: so each piece is one block of whole rows.
        # It drops a byte order mark that starts a block: so a piece starts with the line end before its first row.
        start = int(lines.ends[first - 1])
        last = max(first, int(np.searchsorted(lines.ends, start + PIECE, side="right")) - 1)
        stop = min(int(lines.ends[last]) + 1, len(text))
        rows = below[np.searchsorted(below, first) : np.searchsorted(below, last, side="right")]
        if rows.size:
            cut = _cut(whole.slice(start, stop - start), names, rows.size, lines.breaks_in_cells)
            _refuse_beyond(cut, len(headers), rows, file)
            yield text_table(pa.array(rows + 1, pa.int64()), headers, cut.columns[: len(headers)])
            let_go(text)
        first = last + 1


def _refuse_beyond(cut: pa.Table, width: int, rows: Positions, file: str) -> None:
    """Refuse content in the columns that have no header."""
    for index, column in enumerate(cut.columns[width:], start=width):
        filled = pc.not_equal(pc.utf8_trim_whitespace(column), "")
        if pc.any(filled).as_py():
            row = int(rows[pc.index(filled, True).as_py()]) + 1
            letter = column_letter(index)
            raise FilingError(
                f"{file}：第 {row} 行 {letter} 列有内容，但该列没有列名。请填写列名或清空。",
                f"{file}: row {row} holds something in column {letter}, which has no name. "
                "Name the column or clear it.",
            )


def _cut(piece: pa.Buffer, names: list[str], expected: int, breaks_in_cells: bool) -> pa.Table:
    table = arrow_csv.read_csv(
        pa.BufferReader(piece),
        read_options=arrow_csv.ReadOptions(column_names=names, block_size=piece.size + 1),
        parse_options=arrow_csv.ParseOptions(newlines_in_values=breaks_in_cells),
        convert_options=arrow_csv.ConvertOptions(
            column_types=dict.fromkeys(names, pa.string()), check_utf8=False, strings_can_be_null=False
        ),
    )
    if table.num_rows != expected:
        raise JudgeError(
            f"读取 CSV 的两种方法行数不一致：{table.num_rows} 和 {expected}。",
            f"Two ways of reading the CSV disagree on its rows: {table.num_rows} and {expected}.",
        )
    return table
