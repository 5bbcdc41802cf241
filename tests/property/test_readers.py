"""Whatever bytes are filed, reading them ends in rows or in a `FilingError`; whatever was written is read back."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import pyarrow.compute as pc
import pytest
import xlsxwriter
from corpus.build import HEADER, archive, written
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from expectations.spec import Standard, load_standard
from ingest.errors import FilingError
from ingest.read import read_filing
from ingest.read.csv_file import read_csv
from ingest.read.xlsx_file import Workbook

LONGEST = 60
BOOK = written(lambda book, sheet: sheet.write_row(1, 0, ["GG-1", "甲", 45664.5], book.add_format({"num_format": 22})))
ZIP = archive()
CSV = (HEADER + 'GG-1,"甲, 乙",1\r\nGG-2,"丙\n丁",2\n').encode()
XML = "xl/worksheets/sheet1.xml"


@pytest.fixture(scope="module")
def standard() -> Standard:
    return load_standard()


@st.composite
def damaged(draw: st.DrawFn, whole: bytes) -> bytes:
    """The bytes with some of them changed, doubled, left out or cut off."""
    raw = bytearray(whole)
    for _ in range(draw(st.integers(1, 6))):
        place = draw(st.integers(0, max(len(raw) - 1, 0)))
        length = draw(st.integers(0, 12))
        match draw(st.sampled_from(["change", "insert", "delete", "cut", "repeat"])):
            case "change":
                raw[place : place + length] = draw(st.binary(min_size=length, max_size=length))
            case "insert":
                raw[place:place] = draw(st.binary(max_size=12))
            case "delete":
                del raw[place : place + length]
            case "cut":
                del raw[max(place, len(raw) - LONGEST) :]
            case _:
                raw[place:place] = raw[place : place + length]
    return bytes(raw)


def _assert_read_or_refused(read: Callable[[], object], file: str) -> None:
    """Nothing but a `FilingError` escapes, and that one names the file in both languages."""
    refused = None
    try:
        read()
    except FilingError as error:
        refused = error
    assert refused is None or (file in refused.zh and file in refused.en)


def _written(content: bytes, path: Path) -> Path:
    path.write_bytes(content)
    return path


FEW = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@given(content=st.one_of(st.binary(max_size=300), damaged(CSV)), told=st.sampled_from([None, "utf-8", "gb18030"]))
@FEW
def test_any_bytes_as_csv_are_read_or_refused(content: bytes, told: str | None) -> None:
    _assert_read_or_refused(lambda: read_csv(content, "t.csv", told), "t.csv")


@given(content=st.one_of(st.binary(max_size=300), damaged(ZIP)))
@FEW
def test_any_bytes_as_zip_are_read_or_refused(content: bytes, tmp_path: Path, standard: Standard) -> None:
    path = _written(content, tmp_path / "filing.zip")
    _assert_read_or_refused(lambda: read_filing(path, standard), "")


@given(content=st.one_of(st.binary(max_size=300), damaged(BOOK)))
@FEW
def test_any_bytes_as_workbook_are_read_or_refused(content: bytes, tmp_path: Path, standard: Standard) -> None:
    path = _written(content, tmp_path / "filing.xlsx")
    _assert_read_or_refused(lambda: read_filing(path, standard), "")


@pytest.mark.parametrize(
    "part",
    [XML, "xl/workbook.xml", "xl/styles.xml", "xl/sharedStrings.xml", "xl/_rels/workbook.xml.rels", "_rels/.rels"],
)
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_any_change_inside_a_workbook_is_read_or_refused(part: str, data: st.DataObject) -> None:
    whole = _members(BOOK)
    changed = archive(whole | {part: data.draw(damaged(whole[part]))})
    _assert_read_or_refused(lambda: Workbook(changed, "t.xlsx").rows("资产包公告"), "t.xlsx")


def _members(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as source:
        return {name: source.read(name) for name in source.namelist()}


def _cells(longest: int = 8) -> st.SearchStrategy[str]:
    texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=longest)
    return st.one_of(
        texts, st.sampled_from(["", "007", "1E+05", '"', ",", "甲\n乙", "𠮷", "=1+1", " x ", "是", "2026-03-13"])
    )


def _tables() -> st.SearchStrategy[list[list[str]]]:
    return st.integers(1, 4).flatmap(
        lambda width: st.lists(st.lists(_cells(), min_size=width, max_size=width), min_size=1, max_size=8)
    )


def _expected(rows: list[list[str]]) -> list[tuple[int, list[str | None]]]:
    """Row numbers from 2, cells trimmed, rows without content left out."""
    tidied = [(number, [_trimmed(cell) for cell in cells]) for number, cells in enumerate(rows, start=2)]
    return [(number, cells) for number, cells in tidied if any(cells)]


def _trimmed(cell: str) -> str | None:
    return pc.utf8_trim_whitespace(cell).as_py() or None


@given(
    rows=_tables(),
    encoding=st.sampled_from(["utf-8", "gb18030"]),
    line_end=st.sampled_from(["\n", "\r\n"]),
    quoted=st.lists(st.booleans(), min_size=32, max_size=32),
    ended=st.booleans(),
)
@FEW
def test_a_table_written_as_csv_with_any_quoting_is_read_back(
    rows: list[list[str]], encoding: Literal["utf-8", "gb18030"], line_end: str, quoted: list[bool], ended: bool
) -> None:
    choices = iter(quoted)
    headers = [f"列{index}" for index in range(len(rows[0]))]
    written_rows = [[_as_csv(cell, next(choices)) for cell in cells] for cells in [headers, *rows][:8]]
    text = line_end.join(",".join(cells) for cells in written_rows) + (line_end if ended else "")
    table, _ = read_csv(text.encode(encoding), "t.csv", encoding)
    found = [(row.pop("row_number"), list(row.values())) for row in table.to_pylist()]
    assert found == _expected(rows[:7])


def _as_csv(cell: str, quoted: bool) -> str:
    needed = any(sign in cell for sign in ',"\r\n')
    return '"' + cell.replace('"', '""') + '"' if quoted or needed else cell


@given(rows=_tables(), constant_memory=st.booleans())
@FEW
def test_a_table_written_as_xlsx_is_read_back(rows: list[list[str]], constant_memory: bool) -> None:
    rows = [[_as_xml_keeps(cell) for cell in cells] for cells in rows]
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True, "constant_memory": constant_memory}) as book:
        sheet = book.add_worksheet("data")
        for number, cells in enumerate([[f"列{index}" for index in range(len(rows[0]))], *rows]):
            for column, cell in enumerate(cells):
                if cell:
                    sheet.write_string(number, column, cell)
    table = Workbook(buffer.getvalue(), "t.xlsx").rows("data")
    found = [(row.pop("row_number"), list(row.values())) for row in table.to_pylist()]
    assert found == _expected(rows)


def _as_xml_keeps(cell: str) -> str:
    """XML makes every line end LF and can't hold two of the characters."""
    return cell.replace("\r\n", "\n").replace("\r", "\n").replace("\ufffe", "").replace("\uffff", "")


@given(number=st.decimals(-(10**12), 10**12, places=2, allow_nan=False))
@FEW
def test_a_number_of_a_workbook_is_read_to_the_cent(number: object) -> None:
    content = written(lambda _, sheet: sheet.write_number(1, 2, float(str(number))))
    (cell,) = Workbook(content, "t.xlsx").rows("资产包公告")["起始价(元)"].to_pylist()
    assert float(cell) == float(str(number))
    assert "E" not in cell.upper()
