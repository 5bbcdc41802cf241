"""A big file is read where it lies: what comes out is what reading it into memory gives, or the same refusal."""

import codecs
import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ingest.errors import FilingError
from ingest.read.csv_file import read_csv, store_csv
from ingest.read.json_file import read_json_lines, store_json_lines
from ingest.read.parquet_file import read_parquet, store_parquet
from ingest.read.plain_csv import WHITE_SPACE, plain_csv
from ingest.read.stored import StoredRows
from ingest.read.xlsx_file import Workbook

FILE = "t.csv"
Outcome = tuple[object, ...]


def outcome(read: Callable[[], tuple[pa.Table | StoredRows, str]]) -> Outcome:
    """Columns, rows and encoding, or the refusal in both languages."""
    try:
        rows, encoding = read()
    except FilingError as error:
        return "refused", error.zh, error.en
    if isinstance(rows, StoredRows):
        with duckdb.connect() as con:
            cells = con.execute(rows.sql).fetchall()
        assert rows.num_rows == len(cells)
        return "read", tuple(rows.column_names), tuple(cells), encoding
    columns = [column.to_pylist() for column in rows.columns]
    return "read", tuple(rows.column_names), tuple(zip(*columns, strict=True)), encoding


def both(content: bytes, told: str | None, folder: Path) -> Outcome:
    """The outcome, the same for both ways of reading."""
    path = folder / "member"
    path.write_bytes(content)
    held = outcome(lambda: read_csv(content, FILE, told))
    streamed = outcome(lambda: store_csv(path, FILE, told, folder)[:2])
    assert streamed == held
    return held


CELLS = st.one_of(
    st.sampled_from(["", " ", "\u3000", "ND1", "0", "-1.50", "2025-12-31", " 两端 ", "\u3000全角", "a b", "“引号”、…"]),
    st.text(st.sampled_from('ab中文,"\n\r \u3000\u2003'), max_size=6),
    st.text(max_size=4),
)


@st.composite
def files(draw: st.DrawFn) -> tuple[bytes, str | None]:
    """CSV as people's programs write it, and now and then as none should."""
    width = draw(st.integers(1, 4))
    rows = draw(st.lists(st.lists(CELLS, min_size=width, max_size=width), max_size=6))
    buffer = io.StringIO(newline="")
    line_end = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    quoted = draw(st.booleans())
    writer = csv.writer(buffer, lineterminator=line_end, quoting=csv.QUOTE_ALL if quoted else csv.QUOTE_MINIMAL)
    writer.writerow([f"列{number}" for number in range(width)])
    for row in rows:
        writer.writerow(row)
        buffer.write(draw(st.sampled_from(["", "", "", "", line_end, "x,", '"', "\0", "," * (width - 1) + line_end])))
    text = buffer.getvalue()
    if draw(st.booleans()):
        text = text.rstrip("\r\n")
    encoding = draw(st.sampled_from(["utf-8", "utf-8-sig", "gb18030"]))
    told = draw(st.sampled_from([None, "utf-8", "gb18030"]))
    return text.encode(encoding, "replace"), told


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(file=files())
def test_a_streamed_csv_file_is_the_one_that_was_held(file: tuple[bytes, str | None], tmp_path: Path) -> None:
    both(*file, tmp_path)


PLAIN = {
    "quotes": '甲,乙\n"a,""b""",1\n"",2\n"x",""\n',
    "crlf": "甲,乙\r\n1,2\r\n3,\r\n",
    "no end": "甲,乙\n1,2\n3,4",
    "empty rows": '甲,乙\n1,2\n,\n"",""\n3,\n',
    "spaces": "甲,乙\n 1,2\u3000\n\u2003,\n3 , a b \n",
}


@pytest.mark.parametrize("kind", PLAIN)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_a_plain_file_is_never_held(kind: str, encoding: str, tmp_path: Path) -> None:
    content = PLAIN[kind].encode(encoding)
    told = "gb18030" if encoding == "gb18030" else None
    path = tmp_path / "member"
    path.write_bytes(content)
    assert plain_csv(path, FILE, told, tmp_path) is not None
    verdict, _, rows, _ = both(content, told, tmp_path)
    assert verdict == "read"
    assert rows


ODD = {
    "blank line": b"a,b\n1,2\n\n3,4\n",
    "break in a cell": b'a,b\n"x\ny",2\n',
    "CR alone": b"a,b\r1,2\r",
    "mixed line ends": b"a,b\r\n1,2\n",
    "column without a name": b"a,b,\n1,2,\n",
    "two marks": codecs.BOM_UTF8 * 2 + b"a,b\n1,2\n",
    "header below": b"\na,b\n1,2\n",
    "one column": b"a\n1\n",
    "no rows": b"a,b\n",
    "doubtful": "a,b\n1,路通\n".encode("gb18030"),
    "ragged": b"a,b\n1,2\n3\n4,5,6\n",
    "stray quote": b'a,b\n1,x"y\n',
    "open quote": b'a,b\n1,"y\n',
    "NUL": b"a,b\n1,\0\n",
    "not decodable": b"a,b\n1,\xff\xff\n",
    "nothing": b"",
    "UTF-16": "a,b\n1,2\n".encode("utf-16"),
    "double header": b"a,A\n1,2\n",
}


@pytest.mark.parametrize("kind", ODD)
def test_what_is_not_plain_is_read_or_refused_as_ever(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "member"
    path.write_bytes(ODD[kind])
    assert plain_csv(path, FILE, None, tmp_path) is None
    both(ODD[kind], None, tmp_path)


def test_white_space_is_what_arrow_trims() -> None:
    every = [chr(code) for code in range(1, 0x110000) if not 0xD800 <= code <= 0xDFFF]
    trimmed = pc.utf8_trim_whitespace(pa.array(every)).to_pylist()
    assert set(WHITE_SPACE) == {sign for sign, left in zip(every, trimmed, strict=True) if not left}


def test_pieces_end_where_lines_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingest.read.plain_csv.PIECE", 7)
    text = '甲,乙\n"中文字",1\n"a,b",22222222\n,\n末,"""x"""'
    for encoding in ("utf-8", "gb18030"):
        path = tmp_path / "member"
        path.write_bytes(text.encode(encoding))
        assert plain_csv(path, FILE, encoding, tmp_path) is not None
        both(text.encode(encoding), encoding, tmp_path)


@pytest.mark.parametrize("rows", [0, 5, 40_000])
def test_a_streamed_parquet_file_is_the_one_that_was_held(rows: int, tmp_path: Path) -> None:
    table = pa.table(
        {
            "编号 ": pa.array([f" {number % 7} " if number % 3 else None for number in range(rows)], pa.string()),
            "额": pa.array([number / 4 for number in range(rows)], pa.float64()),
            "空": pa.nulls(rows, pa.string()),
        }
    )
    path = tmp_path / "member"
    pq.write_table(table, path, row_group_size=9_000)
    held = outcome(lambda: (read_parquet(path.read_bytes(), "t.parquet"), ""))
    streamed = outcome(lambda: (store_parquet(path, "t.parquet", tmp_path)[0], ""))
    assert held[0] == "read"
    assert streamed == held


def test_of_a_parquet_file_the_first_bad_column_is_told(tmp_path: Path) -> None:
    rows = 40_000
    early = pa.array(["x\0" if number == 39_000 else "x" for number in range(rows)])
    late = pa.array(["x\0" if number == 3 else "x" for number in range(rows)])
    path = tmp_path / "member"
    pq.write_table(pa.table({"a": early, "b": late}), path)
    held = outcome(lambda: (read_parquet(path.read_bytes(), "t.parquet"), ""))
    streamed = outcome(lambda: (store_parquet(path, "t.parquet", tmp_path)[0], ""))
    assert held[0] == "refused"
    assert streamed == held


VALUES = st.one_of(CELLS.filter(lambda text: "\0" not in text), st.integers(-5, 10**16), st.booleans(), st.none())
NAMES = st.sampled_from(["编号", "额", "a", "A", " b ", ""])
LINES = st.one_of(
    st.dictionaries(NAMES, st.one_of(VALUES, st.floats(), st.lists(st.none(), max_size=1))).map(json.dumps),
    st.dictionaries(st.sampled_from(["编号", "额", "a"]), VALUES).map(lambda row: json.dumps(row, ensure_ascii=False)),
    st.sampled_from(["", " ", "{}", "x", '{"a": 1, "a": 2}', '{"a": "\\ud800"}', '{"a": "\\u0000"}']),
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    lines=st.lists(LINES, max_size=7),
    line_end=st.sampled_from(["\n", "\r\n"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "gb18030"]),
    told=st.sampled_from([None, "utf-8", "gb18030"]),
)
def test_streamed_json_lines_are_those_that_were_held(
    lines: list[str], line_end: str, encoding: str, told: str | None, tmp_path: Path
) -> None:
    content = line_end.join(lines).encode(encoding, "replace")
    path = tmp_path / "member"
    path.write_bytes(content)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ingest.read.json_file.BATCH_ROWS", 2)  # so that columns come later than the first rows
        held = outcome(lambda: read_json_lines(content, "t.jsonl", told))
        streamed = outcome(lambda: store_json_lines(path, "t.jsonl", told, tmp_path)[:2])
    assert streamed == held


def test_columns_that_come_late_are_empty_above(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ingest.read.json_file.BATCH_ROWS", 1)
    path = tmp_path / "member"
    path.write_bytes(b'{}\n{"a": 1}\n{"b": 2, "c": 3}\n{"a": 4}\n')
    assert outcome(lambda: store_json_lines(path, "t.jsonl", None, tmp_path)[:2]) == (
        "read",
        ("row_number", "a", "b", "c"),
        ((2, "1", None, None), (3, None, "2", "3"), (4, "4", None, None)),
        "utf-8",
    )


def workbook(fill: Callable[[xlsxwriter.workbook.Worksheet], None], folder: Path) -> Path:
    path = folder / "t.xlsx"
    with xlsxwriter.Workbook(str(path)) as book:
        fill(book.add_worksheet("data"))
    return path


def both_sheets(path: Path, folder: Path) -> Outcome:
    """The outcome for a sheet, the same for both ways of reading."""
    held = outcome(lambda: (Workbook(path.read_bytes(), "t.xlsx").rows("data"), ""))
    streamed = outcome(lambda: (Workbook(path, "t.xlsx").stored_rows("data", folder / "rows.parquet"), ""))
    assert streamed == held
    return held


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(st.lists(VALUES, max_size=4), max_size=6),
    merged=st.sampled_from([None, (1, 0, 1, 1), (9, 0, 9, 1), (0, 0, 0, 1)]),
    formula=st.sampled_from([None, None, "", "7"]),
)
def test_a_streamed_sheet_is_the_one_that_was_held(
    rows: list[list[object]], merged: tuple[int, int, int, int] | None, formula: str | None, tmp_path: Path
) -> None:
    def fill(sheet: xlsxwriter.workbook.Worksheet) -> None:
        sheet.write_row(0, 0, ["甲", "乙", "丙"])
        for number, row in enumerate(rows, start=1):
            sheet.write_row(number + number // 3, 0, row)
        if formula is not None:
            sheet.write_formula(2, 1, "=1+1", None, formula)
        if merged is not None:
            sheet.merge_range(*merged, "x")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("ingest.read.xlsx_file.BATCH_CELLS", 3)  # a piece a row
        both_sheets(workbook(fill, tmp_path), tmp_path)


SHEETS: dict[str, Callable[[xlsxwriter.workbook.Worksheet], None]] = {
    "empty": lambda sheet: None,
    "header alone": lambda sheet: sheet.write_row(0, 0, ["甲", "乙"]),
    "double header": lambda sheet: sheet.write_row(0, 0, ["a", "A"]),
    "beyond the header": lambda sheet: [sheet.write_row(row, 0, ["甲", "乙", "丙"][: 2 + row % 2]) for row in range(9)],
    "lost digits": lambda sheet: [sheet.write(row, 0, 12345678901234567890 if row else "甲") for row in range(3)],
    "last row": lambda sheet: [sheet.write(row, 0, "甲") for row in (0, 1_048_575)],
}


@pytest.mark.parametrize("kind", SHEETS)
def test_an_odd_sheet_is_read_or_refused_as_ever(kind: str, tmp_path: Path) -> None:
    verdict, *_ = both_sheets(workbook(SHEETS[kind], tmp_path), tmp_path)
    assert verdict == ("read" if kind in ("header alone", "last row") else "refused")
