"""Parquet to text columns: each value as its filer would write it down, whatever type the column has.

Rows are numbered as in a spreadsheet that opens the file: the names of the columns are row 1, the data begin in row 2.
What a file says of its own size is not believed: it is read column by column, and what comes out is counted.
"""

from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ingest.errors import FilingError
from ingest.paths import file_digest
from ingest.read.columns import (
    NO,
    SIGNIFICANT_DIGITS,
    YES,
    cell_text,
    check_headers,
    column_letter,
    refuse_nul,
    text_table,
)
from ingest.read.members import refuse_large
from ingest.read.stored import StoredRows, stored

ENCRYPTED_MAGIC = b"PARE"
FIRST_ROW = 2
BATCH_ROWS = 16_384
READ_AT_ONCE = 1 << 20  # bytes of a column
LARGEST_CHUNK = 1 << 30  # bytes; an Arrow array of texts takes 2 GB
LEAST_CELL_BYTES = 4  # what an empty cell costs as text
CHINA = "+08:00"  # the standard's times are local ones of China
MIDNIGHT = " 00:00:00"
LOST_FROM = 10.0**SIGNIFICANT_DIGITS
CONVERTED = (
    pa.types.is_boolean,
    pa.types.is_integer,
    pa.types.is_floating,
    pa.types.is_decimal,
    pa.types.is_date,
    pa.types.is_timestamp,
    pa.types.is_time,
    pa.types.is_null,
)


def read_parquet(content: bytes, file: str) -> pa.Table:
    """Return the rows (`row_number`, then one string column per column as filed).

    Texts are taken as they are; numbers become plain digits, dates and times ISO, booleans 是 / 否. A timestamp at
    midnight is a date; one with a time zone is told in China's. Doubles are written to 15 significant digits.

    Raises:
        FilingError: broken, encrypted, larger than the platform takes, no column, a bad name, a type that no cell can
            hold (lists, structures, bytes) or that loses digits, a text that is not UTF-8 or holds a NUL.
    """
    try:
        opened, headers = _opened(lambda: pa.BufferReader(content), file)
        refuse_large(_size_by_its_own_account(opened.metadata, file), file)
        count, size = opened.metadata.num_rows, 0
        columns: list[pa.ChunkedArray] = []
        for name in opened.schema_arrow.names:
            columns.append(_column(opened, name, count, size, file))
            size += columns[-1].nbytes
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise (_encrypted if "crypt" in str(error) else _broken)(file) from error
    return text_table(pa.array(range(FIRST_ROW, FIRST_ROW + count), pa.int64()), headers, columns)


def store_parquet(path: Path, file: str, spool: Path) -> tuple[StoredRows, str]:
    """The same of a big file, and the SHA-256 of its bytes: its rows go through memory in batches, into the `spool`.

    Raises:
        FilingError: as `read_parquet`.
    """
    try:
        opened, headers = _opened(lambda: pa.OSFile(str(path)), file)
        refuse_large(_size_by_its_own_account(opened.metadata, file), file, streamed=True)
        rows = stored(_batches(opened, headers, file), spool / f"{path.name}.parquet")
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise (_encrypted if "crypt" in str(error) else _broken)(file) from error
    return rows, file_digest(path)


def _opened(source: Callable[[], pa.NativeFile], file: str) -> tuple[Any, list[str]]:
    """The file, its schema found in order, and its headers."""
    import pyarrow.parquet as pq

    with source() as ends:
        size = ends.size()
        if ends.read(len(ENCRYPTED_MAGIC)) == ENCRYPTED_MAGIC or (
            size >= len(ENCRYPTED_MAGIC) and ends.read_at(len(ENCRYPTED_MAGIC), size - 4) == ENCRYPTED_MAGIC
        ):
            raise _encrypted(file)
    schema = pq.read_schema(source())
    headers = [name.strip() for name in schema.names]
    _check_schema(schema, headers, file)
    opened = pq.ParquetFile(
        source(),
        # a dictionary shows how large its column becomes before it does
        read_dictionary=[field.name for field in schema if _is_text(field.type)],
        page_checksum_verification=True,
        buffer_size=READ_AT_ONCE,
    )
    return opened, headers


def _batches(opened: Any, headers: list[str], file: str) -> Iterator[pa.Table]:
    """Tidied rows, batch by batch, the first one without rows. An error is told of the first column that has one."""
    yield text_table(pa.array([], pa.int64()), headers, [pa.chunked_array([], pa.string())] * len(headers))
    row, size, wrong = FIRST_ROW, 0, None
    width = len(headers)
    for batch in opened.iter_batches(BATCH_ROWS, use_threads=False):
        columns = []
        for index in range(width):
            try:
                chunks = list(_texts(batch.column(index), row, 0, file))
                for chunk in chunks:
                    refuse_nul(chunk, range(row, row + len(chunk)), file)
            except FilingError as error:
                wrong, width = error, index
                break
            columns.append(pa.chunked_array(chunks, pa.string()))
        if wrong is None:
            size += sum(column.nbytes for column in columns)
            refuse_large(size, file, streamed=True)
            yield text_table(pa.array(range(row, row + len(batch)), pa.int64()), headers, columns)
        row += len(batch)
    if wrong is not None:
        raise wrong
    if row != FIRST_ROW + opened.metadata.num_rows:
        raise _broken(file)


def _check_schema(schema: pa.Schema, headers: list[str], file: str) -> None:
    if not headers:
        raise FilingError(f"{file}：文件没有任何列。", f"{file}: the file has no column.")
    check_headers(headers, file, None)
    for index, field in enumerate(schema):
        letter = column_letter(index)
        if pa.types.is_float16(field.type) or pa.types.is_float32(field.type):
            raise FilingError(
                f"{file}：{letter} 列是单精度数（{field.type}），最多只保留 7 位数字。请改为 decimal 或 double。",
                f"{file}: column {letter} is of single precision ({field.type}), which keeps 7 digits at most. "
                "Make it decimal or double.",
            )
        if not (_is_text(field.type) or any(is_kind(field.type) for is_kind in CONVERTED)):
            raise FilingError(
                f"{file}：{letter} 列的类型（{field.type.id}）不能写成单元格。请改为文本、数字、日期或布尔类型。",
                f"{file}: the type of column {letter} ({field.type}) fits no cell. "
                "Make it text, a number, a date or a boolean.",
            )


def _size_by_its_own_account(metadata: Any, file: str) -> int:
    sizes = [metadata.row_group(index).total_byte_size for index in range(metadata.num_row_groups)]
    if min(metadata.num_rows, *sizes, 0) < 0:
        raise _broken(file)
    return int(max(sum(sizes), metadata.num_rows * metadata.num_columns * LEAST_CELL_BYTES))


def _column(opened: Any, name: str, count: int, size: int, file: str) -> pa.ChunkedArray:
    """One column as text; `size` is what the columns before it take, in bytes."""
    chunks: list[pa.Array] = []
    row = FIRST_ROW
    for batch in opened.iter_batches(BATCH_ROWS, columns=[name], use_threads=False):
        for chunk in _texts(batch.column(0), row, size, file):
            refuse_nul(chunk, range(row, row + len(chunk)), file)
            size += chunk.nbytes
            refuse_large(size, file)
            chunks.append(chunk)
            row += len(chunk)
    if row != FIRST_ROW + count:
        raise _broken(file)
    return pa.chunked_array(chunks, pa.string())


def _texts(values: pa.Array, row: int, size: int, file: str) -> Iterator[pa.Array]:
    """The values as text, in arrays that Arrow can hold."""
    if not _is_text(values.type):
        _refuse_lost_digits(values, row, file)
        yield _converted(values)
        return
    values = values if pa.types.is_dictionary(values.type) else values.dictionary_encode()
    _refuse_undecodable(values, row, file)
    needed = pc.sum(pc.take(pc.binary_length(values.dictionary), values.indices)).as_py() or 0
    refuse_large(size + needed, file)
    if needed <= LARGEST_CHUNK or len(values) == 1:
        yield values.dictionary_decode().cast(pa.string())
        return
    half = len(values) // 2
    yield from _texts(values.slice(0, half), row, size, file)
    yield from _texts(values.slice(half), row + half, size, file)


def _refuse_undecodable(values: pa.DictionaryArray, row: int, file: str) -> None:
    try:
        values.dictionary.validate(full=True)
    except pa.ArrowInvalid:
        bad = [
            index for index, text in enumerate(values.dictionary.cast(pa.binary()).to_pylist()) if not _is_utf8(text)
        ]
        found = pc.index(pc.is_in(values.indices, pa.array(bad, values.indices.type)), True).as_py()
        if found < 0:  # no row of ours uses it
            raise
        raise FilingError(
            f"{file}：第 {row + found} 行有文本不是 UTF-8 编码。请重新导出文件。",
            f"{file}: row {row + found} holds a text that is not UTF-8. Export the file again.",
        ) from None


def _is_utf8(text: bytes | None) -> bool:
    try:
        (text or b"").decode()
    except UnicodeDecodeError:
        return False
    return True


def _refuse_lost_digits(values: pa.Array, row: int, file: str) -> None:
    """A double keeps 15 digits: of a longer account number nobody can say any more what its end was."""
    if not pa.types.is_float64(values.type):
        return
    found = pc.index(pc.and_(pc.greater_equal(pc.abs(values), LOST_FROM), pc.is_finite(values)), True).as_py()
    if found >= 0:
        raise FilingError(
            f"{file}：第 {row + found} 行有超过 {SIGNIFICANT_DIGITS} 位的 double 数字，末位已丢失。"
            "请改为文本、整数或 decimal。",
            f"{file}: row {row + found} holds a double of more than {SIGNIFICANT_DIGITS} digits, the last of which are "
            "lost. Make the column text, integer or decimal.",
        )


def _converted(values: pa.Array) -> pa.Array:
    kind = values.type
    if pa.types.is_boolean(kind):
        return pc.if_else(values, YES, NO)
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return _plain_numbers(values)
    if pa.types.is_timestamp(kind):
        if kind.tz is not None:
            values = pc.local_timestamp(values.cast(pa.timestamp(kind.unit, CHINA)))
        return pc.replace_substring_regex(_without_idle_zeros(values.cast(pa.string())), f"{MIDNIGHT}$", "")
    if pa.types.is_time(kind):
        return _without_idle_zeros(values.cast(pa.string()))
    return values.cast(pa.string())


def _plain_numbers(values: pa.Array) -> pa.Array:
    """What `cell_text` makes of each; asked only for what Arrow may have written otherwise: 1e+20, nan, long noise."""
    text = values.cast(pa.string())
    unsure = pc.match_substring_regex(text, "[eEn]")
    read: type[float] | type[Decimal] = Decimal
    if pa.types.is_float64(values.type):
        unsure, read = pc.or_(unsure, pc.greater(pc.utf8_length(text), SIGNIFICANT_DIGITS)), float
    unsure = pc.fill_null(unsure, False)
    written = [cell_text(read(number)) for number in text.filter(unsure).to_pylist()]
    return _without_idle_zeros(pc.replace_with_mask(text, unsure, pa.array(written, pa.string())))


def _without_idle_zeros(text: pa.Array) -> pa.Array:
    """2.50 as 2.5, 17:00:00.000 as 17:00:00."""
    return pc.replace_substring_regex(pc.replace_substring_regex(text, r"(\.[0-9]*?)0+$", r"\1"), r"\.$", "")


def _is_text(kind: pa.DataType) -> bool:
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _encrypted(file: str) -> FilingError:
    return FilingError(
        f"{file}：Parquet 文件已加密。请不加密导出。", f"{file}: the Parquet file is encrypted. Export it unencrypted."
    )


def _broken(file: str) -> FilingError:
    return FilingError(
        f"{file}：不是可读的 Parquet 文件（可能已损坏或传输不完整）。请重新导出。",
        f"{file}: not a readable Parquet file (it may be broken or cut off). Export it again.",
    )
