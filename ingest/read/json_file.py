"""JSON lines to text columns: one object a line, its keys the columns, numbers digit by digit as they stand there.

Rows are numbered by the file's lines, from 1, blank ones counted: an editor shows the same number.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import pyarrow as pa

from ingest.errors import FilingError
from ingest.paths import file_digest
from ingest.read.columns import NUL, ROW_NUMBER, cell_text, refuse_many_columns, refuse_nul, text_table
from ingest.read.encoding import Content, decode, let_go
from ingest.read.members import refuse_large
from ingest.read.stored import StoredRows, stored
from ingest.read.stored_text import stored_text

BATCH_ROWS, BATCH_BYTES = 10_000, 1 << 26
LONGEST_LINE = 1 << 26
KEYS_REMEMBERED = 1000  # lines have the same keys, nearly all; where all differ, they must not fill the memory
LARGEST_EXPONENT = 400  # 1E999999999 would be a billion digits
EXPONENT = re.compile(r"[eE][+-]?0*([0-9]+)$")


class _Object(NamedTuple):
    """A line's keys, and what stands under each."""

    names: tuple[str, ...]
    values: Sequence[Any]


Line = tuple[int, _Object]


class _LineError(Exception):
    """What is wrong with a line, in Chinese and in English; whoever reads the lines adds which one it is."""


def read_json_lines(content: bytes, file: str, told: str | None = None) -> tuple[pa.Table, str]:
    """Return the rows (`row_number`, then one string column per key, in order of appearance) and the encoding found.

    A key that a line lacks is an empty cell, as null is. Numbers are exact (1e3 is 1000), true and false 是 and 否.
    `told` is the encoding that the manifest names; otherwise it is found as for CSV.

    Raises:
        FilingError: not decodable, empty, a line that is no JSON object, a key twice or empty, a list or an object as
            a value, NaN, a NUL. Texts give the line, never what it holds.
    """
    text, encoding = decode(content, file, told)
    pieces = list(_pieces(text, file, streamed=False))
    # keys that came later are null in earlier rows
    whole = pa.concat_tables(pieces, promote_options="default")
    refuse_large(whole.nbytes, file)
    return whole, encoding


def store_json_lines(path: Path, file: str, told: str | None, spool: Path) -> tuple[StoredRows, str, str]:
    """The same of a big file, and the SHA-256 of its bytes: its rows go through memory in batches, into the `spool`.

    Raises:
        FilingError: as `read_json_lines`.
    """
    with stored_text(path, file, told, spool) as found:
        rows = stored(_pieces(found.text, file, streamed=True), spool / f"{path.name}.parquet")
    return rows, found.encoding, file_digest(path)


def _pieces(text: Content, file: str, *, streamed: bool) -> Iterator[pa.Table]:
    """Tidied rows, batch by batch; a later one may have more columns."""
    names: dict[str, str] = {}  # by how names are compared, as filed
    learned: tuple[str, ...] = ()
    size = 0
    for rows in _batches(_objects(text, file)):
        for number, row in rows:
            if row.names != learned:  # than the line before, whose keys nearly every line has
                _learn_names(names, row.names, number, file)
                learned = row.names
        batch = _table(rows, list(names.values()), file)
        size += batch.nbytes
        refuse_large(size, file, streamed=streamed)
        let_go(text)
        if names:  # objects without a key are blank lines
            row_numbers, *columns = batch.columns
            yield text_table(row_numbers, list(names.values()), columns)
    if not names:
        raise FilingError(f"{file}：文件是空的，没有数据。", f"{file}: the file is empty, without data.")


def _objects(text: Content, file: str) -> Iterator[tuple[int, _Object, int]]:
    """Line number, cells and length in bytes of every line that is not blank."""
    number = start = 0
    stripped = lru_cache(KEYS_REMEMBERED)(_stripped)
    while start < len(text):
        end = text.find(b"\n", start, start + LONGEST_LINE)
        stop = end + 1 if end >= 0 else min(len(text), start + LONGEST_LINE)
        line = text[start:stop]
        start = stop
        number += 1
        try:
            if len(line) == LONGEST_LINE:
                raise _LineError("过长。请每行只写一个对象", "is too long. Write one object a line")
            if line.strip():
                yield number, _object(line.decode(), stripped), len(line)
        except _LineError as error:
            zh, en = error.args
            raise FilingError(f"{file}：第 {number} 行{zh}。", f"{file}: line {number} {en}.") from None


def _object(line: str, stripped: Callable[[tuple[str, ...]], tuple[str, ...]]) -> _Object:
    try:
        found = DECODER.decode(line)
    except json.JSONDecodeError as error:
        raise _LineError(
            f"第 {error.colno} 个字符处不是有效的 JSON。每行须是一个完整的对象 {{…}}",
            f"is not JSON at character {error.colno}. Each line is one whole object {{..}}",
        ) from None
    except RecursionError:
        raise _nested() from None
    if not isinstance(found, _Object):
        raise _LineError("不是 JSON 对象。每行须是一个对象 {…}", "is no JSON object. Each line is one object {..}")
    names = stripped(found.names)
    return _Object(names, [value if type(value) is str else _text(value) for value in found.values])


def _of_pairs(pairs: list[tuple[str, Any]]) -> _Object:
    return _Object(tuple([name for name, _ in pairs]), [value for _, value in pairs])


def _stripped(names: tuple[str, ...]) -> tuple[str, ...]:
    """Keys without white space around them."""
    stripped = tuple(name.strip() for name in names)
    if len(set(stripped)) < len(names):
        raise _LineError("有重复的键", "has a key twice")
    return stripped


def _plain_number(number: str) -> str:
    exponent = EXPONENT.search(number)
    if exponent and (len(exponent[1]) > 3 or int(exponent[1]) > LARGEST_EXPONENT):
        raise _LineError("的数字过大或过小", "has a number that is too large or too small")
    return cell_text(Decimal(number))


def _refuse_constant(name: str) -> NoReturn:
    raise _LineError("含有 NaN 或 Infinity，不是数字。请填数字或留空", "holds NaN or Infinity. Write a number or null")


DECODER = json.JSONDecoder(
    object_pairs_hook=_of_pairs, parse_int=str, parse_float=_plain_number, parse_constant=_refuse_constant
)


def _text(value: Any) -> str | None:
    if isinstance(value, (_Object, list)):
        raise _nested()
    return None if value is None else cell_text(value)


def _nested() -> _LineError:
    return _LineError("有嵌套的对象或列表。每个键只填一个值", "nests an object or a list. Each key has a single value")


def _batches(objects: Iterator[tuple[int, _Object, int]]) -> Iterator[list[Line]]:
    batch: list[Line] = []
    size = 0
    for number, found, length in objects:
        batch.append((number, found))
        size += length
        if len(batch) == BATCH_ROWS or size > BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _learn_names(names: dict[str, str], found: Sequence[str], number: int, file: str) -> None:
    for name in found:
        compared = name.casefold()
        if names.get(compared) == name:
            continue
        if compared in names:
            raise FilingError(
                f"{file}：第 {number} 行有一个键与前面的键只差大小写。请统一写法。",
                f"{file}: line {number} has a key that differs from an earlier one in case alone. Write both alike.",
            )
        if not name or NUL in name or not _is_unicode(name):
            raise FilingError(
                f"{file}：第 {number} 行有一个键是空的或不可读。请写列名。",
                f"{file}: line {number} has a key that is empty or unreadable. Name the column.",
            )
        if compared == ROW_NUMBER:
            raise FilingError(
                f"{file}：第 {number} 行的键 row_number 由平台保留。请改用其他列名。",
                f"{file}: line {number} has the key row_number, a name the platform keeps. Rename it.",
            )
        names[compared] = name
        refuse_many_columns(len(names), file)


def _table(rows: list[Line], names: list[str], file: str) -> pa.Table:
    numbers = [number for number, _ in rows]
    try:
        columns = [pa.array(cells, pa.string()) for cells in _by_column([row for _, row in rows], names)]
    except UnicodeEncodeError:
        number = next(number for number, row in rows if not all(map(_is_unicode, filter(None, row.values))))
        raise FilingError(
            f"{file}：第 {number} 行有文本不是有效的 Unicode。请重新导出文件。",
            f"{file}: line {number} holds a text that is no Unicode. Export the file again.",
        ) from None
    for column in columns:
        refuse_nul(column, numbers, file)
    return pa.table([pa.array(numbers, pa.int64()), *columns], names=[ROW_NUMBER, *names])


def _by_column(rows: list[_Object], names: list[str]) -> Iterable[Sequence[str | None]]:
    """The cells under each of these names, of which a row may lack some."""
    if len({row.names for row in rows}) > 1 or len(names) > len(rows[0].names):
        cells = [dict(zip(row.names, row.values, strict=True)) for row in rows]
        return [[row.get(name) for row in cells] for name in names]
    columns = dict(zip(rows[0].names, zip(*(row.values for row in rows), strict=True), strict=True))
    return [columns[name] for name in names]


def _is_unicode(text: str) -> bool:
    """Half of a surrogate pair (`"\\ud800"`) is JSON but no text."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
