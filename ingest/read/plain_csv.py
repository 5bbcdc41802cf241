"""A big CSV file that is plain, which most are: DuckDB reads it where it lies, and it is never held in memory.

One look at every byte, piece by piece, proves that DuckDB's reader and `csv_file.read_csv` cannot differ on it: strict
text, one header in the first row, the same number of cells in every row, no blank line between rows, no line end within
a cell, quotes that pair. Whatever is not so plainly right is left to `csv_file`, which also says what is wrong with it.
"""

import codecs
import csv
import hashlib
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from expectations.compile import sql_text
from ingest.errors import FilingError
from ingest.read.columns import ROW_NUMBER, check_headers
from ingest.read.encoding import BYTE_ORDER_MARKS, GB18030, UTF8, can_be_utf8_line, has_three_bytes
from ingest.read.stored import StoredRows

PIECE = 1 << 22  # bytes: what a processor keeps near
LONGEST_LINE = 1 << 20  # bytes; DuckDB takes twice as much
FIRST_ROW = 2
QUOTE, COMMA, LF, CR, SPACE = b'",\n\r '
# what Arrow trims, which is what Unicode calls white space; a test holds the two together
WHITE_SPACE = (
    "\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
WIDE_SPACE = re.compile("|".join(character for character in WHITE_SPACE if character > "\x7f").encode())
# how they begin, first byte and all: a byte that stands nowhere is ruled out many times quicker than two
WIDE_BEGINNINGS = tuple(
    (beginning[:1], beginning)
    for beginning in (b"\xc2\x85", b"\xc2\xa0", b"\xe1\x9a", b"\xe2\x80", b"\xe2\x81", b"\xe3\x80\x80")
)
Positions = npt.NDArray[np.int64]


class _NotPlainError(Exception):
    """The file needs the careful reader."""


@dataclass
class _Shape:
    """What the lines looked at so far have shown; fed with whole lines of UTF-8 that end in LF."""

    width: int
    lines: int = 0
    has_spaces: bool = False
    may_have_empty_rows: bool = False
    _crlf: bool | None = None

    def look(self, piece: bytes) -> None:
        """Take in some lines.

        Raises:
            _NotPlainError: something about them is not plain.
        """
        bytes_ = np.frombuffer(piece, np.uint8)
        low = np.flatnonzero(bytes_ <= SPACE)
        kinds = bytes_[low]
        ends = low[kinds == LF]
        returns = int(np.count_nonzero(kinds == CR))
        if returns and (returns != ends.size or ends[0] == 0 or (bytes_[ends - 1] != CR).any()):
            raise _NotPlainError
        if self._crlf is None:
            self._crlf = returns > 0
        if self._crlf != (returns > 0):
            raise _NotPlainError
        lengths = np.diff(ends, prepend=-1) - 1 - self._crlf
        if (lengths <= 0).any() or lengths.max() > LONGEST_LINE or (kinds == 0).any():
            raise _NotPlainError
        commas = np.flatnonzero(bytes_ == COMMA)
        separators = np.diff(np.searchsorted(commas, ends), prepend=0)
        if b'"' in piece:
            opening, closing = _quoted(bytes_, ends)
            inside = np.searchsorted(commas, closing) - np.searchsorted(commas, opening)
            np.subtract.at(separators, np.searchsorted(ends, opening), inside)
        if (separators != self.width - 1).any():
            raise _NotPlainError
        self._note_spaces(piece, bytes_, low[(kinds != LF) & (kinds != CR)])
        starts = np.concatenate([[0], ends[:-1] + 1])
        second = bytes_[np.minimum(starts + 1, bytes_.size - 1)]
        begins_empty = (bytes_[starts] == COMMA) | ((bytes_[starts] == QUOTE) & (second == QUOTE)) | (self.width == 1)
        self.may_have_empty_rows |= bool(begins_empty.any())
        self.lines += ends.size

    def _note_spaces(self, piece: bytes, bytes_: npt.NDArray[np.uint8], spaces: Positions) -> None:
        """Whether a cell may begin or end with white space."""
        if self.has_spaces:
            return
        if spaces.size:
            before = np.where(spaces > 0, bytes_[spaces - 1], LF)
            beside = np.isin(before, [COMMA, QUOTE, LF]) | np.isin(bytes_[spaces + 1], [COMMA, QUOTE, LF, CR])
            self.has_spaces = bool(beside.any()) or bool((bytes_[spaces] != SPACE).any())
        if any(first in piece and beginning in piece for first, beginning in WIDE_BEGINNINGS):
            self.has_spaces |= WIDE_SPACE.search(piece) is not None


def _quoted(bytes_: npt.NDArray[np.uint8], ends: Positions) -> tuple[Positions, Positions]:
    """Where cells, or parts of them, are quoted: from which quote to which, each time on one line.

    A quote opens a cell at its start and closes it at its end; inside it is doubled.
    """
    quotes = np.flatnonzero(bytes_ == QUOTE)
    if quotes.size % 2 or (np.searchsorted(quotes, ends) % 2).any():
        raise _NotPlainError
    opening, closing = quotes[::2], quotes[1::2]
    before = np.where(opening > 0, bytes_[opening - 1], LF)
    after = bytes_[closing + 1]  # the last byte is a line end
    if not (np.isin(before, [COMMA, LF, QUOTE]).all() and np.isin(after, [COMMA, LF, CR, QUOTE]).all()):
        raise _NotPlainError
    return opening, closing


def plain_csv(path: Path, file: str, told: str | None, spool: Path) -> tuple[StoredRows, str, str] | None:
    """The rows of a plain CSV file, its encoding and the SHA-256 of its bytes; null when it needs the careful reader.

    Text that is not UTF-8 is written as such into the folder `spool`, on the way.
    """
    encodings = [told] if told else [UTF8, GB18030]
    for encoding in encodings:
        try:
            return _plain(path, file, encoding, told is not None, spool)
        except UnicodeDecodeError:
            continue
        except (_NotPlainError, FilingError):
            return None
    return None


def _plain(path: Path, file: str, encoding: str, is_told: bool, spool: Path) -> tuple[StoredRows, str, str]:
    digest = hashlib.sha256()
    target = path if encoding == UTF8 else spool / f"{path.name}.utf8"
    doubt = _Doubt(encoding)
    shape, header = None, b""
    with path.open("rb") as source, target.open("wb") if target != path else io.BytesIO() as copy:
        for number, lines in enumerate(_whole_lines(source, digest)):
            if number == 0:
                lines, is_marked = _without_mark(lines, encoding)
                is_told |= is_marked
            if not is_told:
                doubt.look(lines)
            text = lines.decode(encoding)
            piece = lines if encoding == UTF8 else text.encode()
            if target != path:
                copy.write(piece)
            if shape is None:
                header, _, rest = piece.partition(b"\n")
                headers = _headers(header, file)
                shape = _Shape(len(headers))
                shape.look(header + b"\n")
                shape.has_spaces = shape.may_have_empty_rows = False
                piece = rest
            if piece:
                shape.look(piece)
    doubt.settle()
    if shape is None or shape.lines < FIRST_ROW:
        raise _NotPlainError
    return _rows(target, headers, shape), encoding, digest.hexdigest()


def _whole_lines(source: BinaryIO, digest: "hashlib._Hash") -> Iterator[bytes]:
    """The file's bytes in pieces of whole lines, the last one with a line end even where the file has none."""
    rest = b""
    while piece := source.read(PIECE):
        digest.update(piece)
        cut = piece.rfind(b"\n") + 1
        if not cut:
            if len(rest) + len(piece) > LONGEST_LINE + PIECE:
                raise _NotPlainError
            rest += piece
            continue
        yield rest + piece[:cut]
        rest = piece[cut:]
    if rest:
        yield rest + b"\n"


def _without_mark(lines: bytes, encoding: str) -> tuple[bytes, bool]:
    for mark, marked in BYTE_ORDER_MARKS.items():
        if lines.startswith(mark):
            if marked != encoding or lines.startswith(mark, len(mark)):
                raise _NotPlainError
            return lines[len(mark) :], True
    if lines.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise _NotPlainError
    return lines, False


@dataclass
class _Doubt:
    """Whether text of an encoding that nobody named might be of the other one."""

    encoding: str
    _is_open: bool = False
    _is_closed: bool = False

    def look(self, lines: bytes) -> None:
        if self.encoding == GB18030:
            if can_be_utf8_line(lines):
                raise _NotPlainError
        elif not self._is_closed and not lines.isascii():
            self._is_closed = has_three_bytes(lines)
            self._is_open = True

    def settle(self) -> None:
        if self._is_open and not self._is_closed:
            raise _NotPlainError


def _headers(line: bytes, file: str) -> list[str]:
    cells = next(csv.reader(io.StringIO(line.decode(UTF8), newline=""), strict=True), [])
    headers = [cell.strip() for cell in cells]
    if len(headers) < 2 or not headers[-1]:
        raise _NotPlainError
    check_headers(headers, file, 1)
    return headers


def _rows(text: Path, headers: list[str], shape: _Shape) -> StoredRows:
    names = [f"c{index}" for index in range(len(headers))]
    columns = ", ".join(f"'{name}': 'varchar'" for name in names)
    relation = (
        f"(select row_number() over () + {FIRST_ROW - 1} as {ROW_NUMBER}, * from read_csv({sql_text(str(text))}, "
        f"columns = {{{columns}}}, auto_detect = false, header = true, delim = ',', quote = '\"', escape = '\"', "
        "nullstr = '', comment = '', strict_mode = true, null_padding = false))"
    )
    if shape.has_spaces:
        tidied = ", ".join(f"nullif(trim({name}, {sql_text(WHITE_SPACE)}), '') as {name}" for name in names)
        relation = f"(select {ROW_NUMBER}, {tidied} from {relation})"
    rows = shape.lines - 1
    if shape.may_have_empty_rows or shape.has_spaces:
        import duckdb

        relation = f"(select * from {relation} where coalesce({', '.join(names)}) is not null)"
        with duckdb.connect() as con:
            ((rows,),) = con.execute(f"select count(*) from {relation}").fetchall()
    return StoredRows(relation, tuple(names), tuple(headers), rows)
