"""Parquet as filed: values as their filer would write them down; what cannot be read is refused, whatever its bytes."""

import base64
import datetime
import io
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.parquet.encryption as encryption
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest import config
from ingest.errors import FilingError
from ingest.read.parquet_file import read_parquet

SECRET = "SECRET-CELL"


def parquet(table: pa.Table, **options: Any) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(table, buffer, **options)
    return buffer.getvalue()


def refusal(content: bytes) -> str:
    with pytest.raises(FilingError) as caught:
        read_parquet(content, "t.parquet")
    assert "t.parquet" in caught.value.zh
    assert SECRET not in str(caught.value)
    return caught.value.en


def texts(values: list[Any], kind: pa.DataType) -> list[str | None]:
    found: list[str | None] = read_parquet(
        parquet(pa.table({"a": pa.array([*values, None], kind), "b": "x"} | {"b": ["x"] * (len(values) + 1)})),
        "t.parquet",
    )["a"].to_pylist()
    assert found.pop() is None
    return found


MOMENT = datetime.datetime(2026, 3, 31, 17, 0)


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        (["007", " x ", ""], pa.string(), ["007", "x", None]),
        (["𠮷"], pa.large_string(), ["𠮷"]),
        (["x", "x"], pa.dictionary(pa.int32(), pa.string()), ["x", "x"]),
        ([2**63 - 1, -5], pa.int64(), ["9223372036854775807", "-5"]),
        ([2**64 - 1], pa.uint64(), ["18446744073709551615"]),
        ([0.1 + 0.2, 1e14, 1e-5, 756.0, -2.5, 66369783.05], pa.float64(),
         ["0.3", "100000000000000", "0.00001", "756", "-2.5", "66369783.05"]),
        ([float("nan"), float("inf")], pa.float64(), ["NaN", "Infinity"]),
        ([Decimal("100.50"), Decimal("3.00"), Decimal("-12345678901234567.89")], pa.decimal128(38, 2),
         ["100.5", "3", "-12345678901234567.89"]),
        ([Decimal("1E-20")], pa.decimal128(38, 20), ["0.00000000000000000001"]),
        ([Decimal(10) ** 70], pa.decimal256(76, 2), ["1" + "0" * 70]),
        ([True, False], pa.bool_(), ["是", "否"]),
        ([MOMENT.date()], pa.date32(), ["2026-03-31"]),
        ([MOMENT, MOMENT.replace(hour=0), MOMENT.replace(microsecond=500_000)], pa.timestamp("ns"),
         ["2026-03-31 17:00:00", "2026-03-31", "2026-03-31 17:00:00.5"]),
        ([MOMENT], pa.timestamp("us", "UTC"), ["2026-04-01 01:00:00"]),
        ([MOMENT.time()], pa.time64("us"), ["17:00:00"]),
        ([], pa.null(), []),
    ],
)  # fmt: skip
def test_a_value_is_written_as_its_filer_would(
    values: list[Any], kind: pa.DataType, expected: list[str | None]
) -> None:
    assert texts(values, kind) == expected


def test_the_first_row_of_data_is_row_two_and_empty_rows_keep_their_numbers() -> None:
    found = read_parquet(parquet(pa.table({" 编号 ": ["1", None, "3"], "b.c": ["x", "", None]})), "t.parquet")
    assert found.to_pylist() == [
        {"row_number": 2, "编号": "1", "b.c": "x"},
        {"row_number": 4, "编号": "3", "b.c": None},
    ]


def test_rows_come_out_in_order_across_batches_and_row_groups() -> None:
    count = 40_000
    content = parquet(
        pa.table({"a": [str(number) for number in range(count)], "n": range(count)}), row_group_size=7_000
    )
    found = read_parquet(content, "t.parquet")
    assert found["a"].to_pylist() == found["n"].to_pylist() == [str(number) for number in range(count)]
    assert found["row_number"].to_pylist() == list(range(2, count + 2))


@pytest.mark.parametrize(
    "kind",
    [pa.list_(pa.int8()), pa.struct([("x", pa.int8())]), pa.binary(), pa.binary(4), pa.map_(pa.string(), pa.int8())],
)
def test_a_type_that_fits_no_cell_is_refused_with_its_column(kind: pa.DataType) -> None:
    assert "the type of column B" in refusal(parquet(pa.table({"a": ["x"], "b": pa.nulls(1, kind)})))


def test_numbers_that_lost_digits_are_refused() -> None:
    assert "column A is of single precision" in refusal(parquet(pa.table({"a": pa.array([1.5], pa.float32())})))
    account = [1.0, None, -6222021234567890123.0]
    assert "row 4 holds a double of more than 15 digits" in refusal(parquet(pa.table({"a": account})))


@pytest.mark.parametrize(
    ("names", "said"),
    [
        ([], "has no column"),
        (["a", "A"], "names columns A and B alike"),
        (["a", " "], "has no name in column B"),
        (["Row_Number"], "a name the platform keeps"),
        ([f"c{number}" for number in range(1001)], "1001 columns, at most 1000"),
    ],
)
def test_names_that_cannot_name_columns_are_refused(names: list[str], said: str) -> None:
    assert said in refusal(parquet(pa.table([["x"]] * len(names), names=names)))


def test_a_text_that_is_not_utf8_or_holds_a_nul_is_refused_with_its_row() -> None:
    bytes_of = pa.py_buffer(b"ok" + SECRET.encode() + b"\xff")
    offsets = pa.py_buffer(b"".join(each.to_bytes(4, "little") for each in (0, 2, 3 + 1 + len(SECRET) - 1)))
    column = pa.Array.from_buffers(pa.string(), 2, [None, offsets, bytes_of])
    assert "row 3 holds a text that is not UTF-8" in refusal(parquet(pa.table({"a": column})))
    assert "row 3 holds a NUL" in refusal(parquet(pa.table({"a": ["x", SECRET + "\0"]})))


@pytest.mark.parametrize(
    "content",
    [b"", b"PAR1", b"PAR1PAR1", b"PAR1" + b"\0" * 20 + b"PAR1", b"PAR1xxxx\xff\xff\xff\x7fPAR1", b"a,b\n1,2\n"],
)
def test_what_is_no_parquet_is_refused(content: bytes) -> None:
    assert "not a readable Parquet file" in refusal(content)


def test_a_file_that_was_cut_off_is_refused() -> None:
    content = parquet(pa.table({"a": ["x"] * 100}))
    assert "cut off" in refusal(content[:-1])
    assert "cut off" in refusal(content[:50])


class LocalKeys(encryption.KmsClient):
    """Keys kept nowhere: enough to encrypt a file in a test."""

    def __init__(self, _: encryption.KmsConnectionConfig) -> None:
        super().__init__()

    def wrap_key(self, key: bytes, name: str) -> bytes:
        return base64.b64encode(key)

    def unwrap_key(self, wrapped: bytes, name: str) -> bytes:
        return base64.b64decode(wrapped)


@pytest.mark.parametrize("with_plain_footer", [True, False])
def test_an_encrypted_file_is_refused_with_the_way_out(with_plain_footer: bool) -> None:
    table, buffer = pa.table({"a": ["x"]}), io.BytesIO()
    properties = encryption.CryptoFactory(LocalKeys).file_encryption_properties(
        encryption.KmsConnectionConfig(),
        encryption.EncryptionConfiguration("footer", column_keys={"key": ["a"]}, plaintext_footer=with_plain_footer),
    )
    with pq.ParquetWriter(buffer, table.schema, encryption_properties=properties) as writer:
        writer.write_table(table)
    assert "Export it unencrypted" in refusal(buffer.getvalue())


@pytest.fixture
def one_megabyte(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("NPL_LARGEST_FILE_MB", "1")
    config.settings.cache_clear()
    yield
    config.settings.cache_clear()


@pytest.mark.usefixtures("one_megabyte")
def test_what_is_small_as_filed_and_huge_when_read_is_refused() -> None:
    declared = parquet(pa.table({"a": ["x" * 2_000_000]}), compression="zstd")
    by_dictionary = parquet(pa.table({"a": ["x" * 5_000] * 2_000}))
    by_nulls = parquet(pa.table({"a": pa.nulls(2_000_000, pa.string())}))
    for content in (declared, by_dictionary, by_nulls):
        assert len(content) < 50_000
        assert "at most 1 MB" in refusal(content)


VALID = parquet(
    pa.table(
        {
            "编号": [f"GG-{number % 7}" for number in range(200)],
            "金额": pa.array([Decimal(number) / 4 for number in range(200)], pa.decimal128(18, 2)),
            "日期": pa.array([MOMENT] * 200, pa.timestamp("us", "UTC")),
            "比例": [number / 3 for number in range(200)],
        }
    ),
    row_group_size=50,
)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_no_bytes_raise_anything_but_a_refusal(data: st.DataObject) -> None:
    content = bytearray(VALID)
    kind = data.draw(st.sampled_from(["bytes", "cut", "junk"]))
    if kind == "bytes":
        for _ in range(data.draw(st.integers(1, 8))):
            content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    elif kind == "cut":
        start = data.draw(st.integers(0, len(content)))
        del content[start : start + data.draw(st.integers(1, 200))]
    else:
        content = bytearray(b"PAR1" + data.draw(st.binary(max_size=200)) + data.draw(st.sampled_from([b"PAR1", b""])))
    try:
        found = read_parquet(bytes(content), "t.parquet")
    except FilingError:
        return
    assert found.column_names[0] == "row_number"
    found.validate(full=True)
