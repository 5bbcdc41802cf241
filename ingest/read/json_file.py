"""JSON lines to text columns: one object a line, its keys the columns, numbers digit by digit as they stand there.

Rows are numbered by the file's lines, from 1, blank ones counted: an editor shows the same number.
"""

import json
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, NoReturn

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
LARGEST_EXPONENT = 400  # 1E999999999 would be a billion digits
EXPONENT = re.compile(r"[eE][+-]?0*([0-9]+)$")

Cells = Mapping[str, str | None]


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
    size = 0
    for rows in _batches(_objects(text, file)):
        for number, row in rows:
            _learn_names(names, row, number, file)
        batch = _table(rows, list(names.values()), file)
        size += batch.nbytes
        refuse_large(size, file, streamed=streamed)
        let_go(text)
        if names:  # objects without a key are blank lines
            row_numbers, *columns = batch.columns
            yield text_table(row_numbers, list(names.values()), columns)
    if not names:
        raise FilingError(f"{file}：文件是空的，没有数据。", f"{file}: the file is empty, without data.")


def _objects(text: Content, file: str) -> Iterator[tuple[int, Cells, int]]:
    """Line number, cells and length in bytes of every line that is not blank."""
    number = start = 0
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
                yield number, _cells(line.decode()), len(line)
        except _LineError as error:
            zh, en = error.args
            raise FilingError(f"{file}：第 {number} 行{zh}。", f"{file}: line {number} {en}.") from None


def _cells(line: str) -> Cells:
    try:
        found = DECODER.decode(line)
    except json.JSONDecodeError as error:
        raise _LineError(
            f"第 {error.colno} 个字符处不是有效的 JSON。每行须是一个完整的对象 {{…}}",
            f"is not JSON at character {error.colno}. Each line is one whole object {{..}}",
        ) from None
    except RecursionError:
        raise _nested() from None
    if not isinstance(found, dict):
        raise _LineError("不是 JSON 对象。每行须是一个对象 {…}", "is no JSON object. Each line is one object {..}")
    return {name: _text(value) for name, value in found.items()}


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = {name.strip(): value for name, value in pairs}
    if len(found) < len(pairs):
        raise _LineError("有重复的键", "has a key twice")
    return found


def _plain_number(number: str) -> str:
    exponent = EXPONENT.search(number)
    if exponent and (len(exponent[1]) > 3 or int(exponent[1]) > LARGEST_EXPONENT):
        raise _LineError("的数字过大或过小", "has a number that is too large or too small")
    return cell_text(Decimal(number))


def _refuse_constant(name: str) -> NoReturn:
    raise _LineError("含有 NaN 或 Infinity，不是数字。请填数字或留空", "holds NaN or Infinity. Write a number or null")


DECODER = json.JSONDecoder(
    object_pairs_hook=_without_doubles, parse_int=str, parse_float=_plain_number, parse_constant=_refuse_constant
)


def _text(value: Any) -> str | None:
    if isinstance(value, (dict, list)):
        raise _nested()
    return None if value is None else cell_text(value)


def _nested() -> _LineError:
    return _LineError("有嵌套的对象或列表。每个键只填一个值", "nests an object or a list. Each key has a single value")


def _batches(objects: Iterator[tuple[int, Cells, int]]) -> Iterator[list[tuple[int, Cells]]]:
    batch: list[tuple[int, Cells]] = []
    size = 0
    for number, cells, length in objects:
        batch.append((number, cells))
        size += length
        if len(batch) == BATCH_ROWS or size > BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _learn_names(names: dict[str, str], row: Cells, number: int, file: str) -> None:
    for name in row:
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


def _table(rows: list[tuple[int, Cells]], names: list[str], file: str) -> pa.Table:
    numbers = [number for number, _ in rows]
    for number, row in rows:
        if not all(map(_is_unicode, filter(None, row.values()))):
            raise FilingError(
                f"{file}：第 {number} 行有文本不是有效的 Unicode。请重新导出文件。",
                f"{file}: line {number} holds a text that is no Unicode. Export the file again.",
            )
    columns = [pa.array([row.get(name) for _, row in rows], pa.string()) for name in names]
    for column in columns:
        refuse_nul(column, numbers, file)
    return pa.table([pa.array(numbers, pa.int64()), *columns], names=[ROW_NUMBER, *names])


def _is_unicode(text: str) -> bool:
    """Half of a surrogate pair (`"\\ud800"`) is JSON but no text."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
