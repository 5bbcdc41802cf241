"""CSV as filed (RFC 4180, comma) to text columns: every row kept and numbered as a spreadsheet shows it, or refused.

One scan of our own finds the rows (quotes, line ends, cells per row) and is the judge of the file's shape;
pyarrow then only cuts out the cells, many times faster than Python, and must find the same number of rows.
"""

import codecs
import csv
import io
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyarrow import csv as arrow_csv

from ingest.errors import FilingError, JudgeError
from ingest.read.columns import check_headers, text_table

UTF8, GB18030 = "utf-8", "gb18030"
BYTE_ORDER_MARKS = {codecs.BOM_UTF8: UTF8, b"\x84\x31\x95\x33": GB18030}
PIECE = 1 << 24  # bytes looked at in one go: keeps the scan's own arrays small
LONGEST_HEADER = 100_000
ROWS_SHOWN = 5
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
    null. `told` is the encoding that the manifest names; otherwise it is found: byte order mark, strict UTF-8, strict
    GB18030.

    Raises:
        FilingError: not decodable, empty, a NUL byte, quotes that don't pair, a row with more or fewer cells than the
            header, a header that is empty or stands twice. Texts give file, row and counts, never what a cell holds.
    """
    text, encoding = decode(content, file, told)
    lines = _scan(text, file)
    header, headers = _header(text, lines, file)
    check_headers(headers, file, header + 1)
    below = np.arange(header + 1, lines.ends.size)
    below = below[lines.lengths[below] > 0]
    _refuse_ragged(lines, below, len(headers), file)
    columns = _cells(text, lines, header, len(headers), below)
    return text_table(pa.array(below + 1, pa.int64()), headers, columns), encoding


def decode(content: bytes, file: str, told: str | None = None) -> tuple[bytes, str]:
    """Return the text as UTF-8 without byte order mark, and the encoding it was filed in.

    Raises:
        FilingError: the bytes are not of the encoding told, or of neither UTF-8 nor GB18030; says byte and line.
    """
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise FilingError(
            f"{file}：文件是 UTF-16（“Unicode 文本”）。请另存为“CSV UTF-8”。",
            f'{file}: the file is UTF-16 ("Unicode text"). Save it as "CSV UTF-8".',
        )
    for mark, marked in BYTE_ORDER_MARKS.items():
        if content.startswith(mark):
            if told not in (None, marked):
                raise FilingError(
                    f"{file}：filing.json 写明编码为 {told}，但文件以 {marked} 的字节顺序标记开头。请改正 encoding。",
                    f"{file}: filing.json says {told}, but the file starts with {marked}'s byte order mark. "
                    "Correct `encoding`.",
                )
            content, told = content[len(mark) :], marked
            break
    first = told or UTF8
    try:
        return _transcoded(content, first), first
    except UnicodeDecodeError as error:
        if told:
            raise _undecodable(file, content, told, error.start) from None
        at_utf8 = error.start
    try:
        return _transcoded(content, GB18030), GB18030
    except UnicodeDecodeError as error:
        # the longer a codec gets, the likelier it is the one meant
        raise _undecodable(file, content, "UTF-8 / GB18030", max(at_utf8, error.start)) from None


def _transcoded(content: bytes, encoding: str) -> bytes:
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    parts: list[bytes] = []
    for start in range(0, len(content), PIECE):
        pending = len(decoder.getstate()[0])
        end = start + PIECE
        try:
            text = decoder.decode(content[start:end], final=end >= len(content))
        except UnicodeDecodeError as error:
            offset = start - pending
            raise UnicodeDecodeError(encoding, b"", offset + error.start, offset + error.end, error.reason) from None
        if encoding != UTF8:
            parts.append(text.encode(UTF8))
    return content if encoding == UTF8 else b"".join(parts)


def _undecodable(file: str, content: bytes, encoding: str, position: int) -> FilingError:
    line = content.count(b"\n", 0, position) + 1
    return FilingError(
        f"{file}：第 {line} 行（第 {position + 1} 个字节）不是 {encoding} 编码。请另存为“CSV UTF-8”。",
        f'{file}: line {line} (byte {position + 1}) is not {encoding}. Save the file as "CSV UTF-8".',
    )


def _scan(text: bytes, file: str) -> _Lines:
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


def _header(text: bytes, lines: _Lines, file: str) -> tuple[int, list[str]]:
    """The index of the first row with content, and its cells."""
    start = 0
    for index, end in enumerate(lines.ends.tolist()):
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


def _refuse_ragged(lines: _Lines, below: Positions, width: int, file: str) -> None:
    ragged = below[lines.cells[below] != width]
    if ragged.size:
        counts = lines.cells[ragged[:ROWS_SHOWN]].tolist()
        rows = list(zip((ragged[:ROWS_SHOWN] + 1).tolist(), counts, strict=True))
        raise FilingError(
            f"{file}：表头有 {width} 列，但有 {ragged.size} 行的单元格数不同："
            + "，".join(f"第 {row} 行 {count} 个" for row, count in rows)
            + "。含逗号或换行的单元格须加双引号。",
            f"{file}: the header has {width} columns, but {ragged.size} row(s) have another number of cells: "
            + ", ".join(f"row {row} has {count}" for row, count in rows)
            + ". Quote cells that hold commas or line breaks.",
        )


def _cells(text: bytes, lines: _Lines, header: int, width: int, below: Positions) -> list[pa.ChunkedArray]:
    """The cells of the rows below the header, column by column, cut out piece by piece."""
    names = [str(index) for index in range(width)]
    whole = pa.py_buffer(text)
    tables = [pa.table({name: pa.array([], pa.string()) for name in names})]
    first = header + 1
    while first < lines.ends.size:
        # pyarrow loses the LF of a CR LF inside quotes where its blocks meet: so each piece is one block of whole rows.
        # It drops a byte order mark that starts a block: so a piece starts with the line end before its first row.
        start = int(lines.ends[first - 1])
        last = max(first, int(np.searchsorted(lines.ends, start + PIECE, side="right")) - 1)
        stop = min(int(lines.ends[last]) + 1, len(text))
        expected = int(np.searchsorted(below, last, side="right") - np.searchsorted(below, first))
        if expected:
            tables.append(_cut(whole.slice(start, stop - start), names, expected, lines.breaks_in_cells))
        first = last + 1
    columns: list[pa.ChunkedArray] = pa.concat_tables(tables).columns
    return columns


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
