"""XLSX as filed: cells as their filer would write them down, rows numbered as the filer sees them."""

import datetime
import io
import zipfile
from typing import Any, Literal

import openpyxl
import pytest
import xlsxwriter
from corpus.build import put, repacked

from ingest.errors import FilingError
from ingest.read.xlsx_file import Workbook
from ingest.read.xlsx_values import LostDigitsError, date_text, kind_of_format, number_text

SECRET = "SECRET-CELL"


def workbook(cells: dict[str, Any], sheet: str = "data") -> bytes:
    """A workbook with one sheet, cells by address."""
    book = openpyxl.Workbook()
    book.active.title = sheet
    for address, value in cells.items():
        book.active[address] = value
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def rows_of(cells: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = Workbook(workbook(cells), "t.xlsx").rows("data").to_pylist()
    return found


def refusal(content: bytes) -> str:
    with pytest.raises(FilingError) as caught:
        Workbook(content, "t.xlsx").rows("data")
    assert "t.xlsx" in caught.value.zh
    assert SECRET not in str(caught.value)
    return caught.value.en


def test_cells_are_text_as_typed_and_rows_keep_their_numbers() -> None:
    found = rows_of({"A1": "编号", "B1": "b", "A2": "007", "B2": 756, "B5": " x "})
    assert found == [{"row_number": 2, "编号": "007", "b": "756"}, {"row_number": 5, "编号": None, "b": "x"}]


def test_the_first_row_with_content_is_the_header_wherever_it_stands() -> None:
    assert rows_of({"A3": "a", "B3": "b", "A4": 1}) == [{"row_number": 4, "a": "1", "b": None}]


@pytest.mark.parametrize(
    ("stored", "text"),
    [
        ("756", "756"),
        ("756.0", "756"),
        ("66369783.049999997", "66369783.05"),
        ("1.234E-5", "0.00001234"),
        ("1E+14", "100000000000000"),
        ("0.30000000000000004", "0.3"),
        ("-2.50", "-2.5"),
        ("0.0", "0"),
        (".5", "0.5"),
    ],
)
def test_a_number_is_written_as_its_filer_would(stored: str, text: str) -> None:
    assert number_text(stored) == text


@pytest.mark.parametrize("stored", ["1E+15", "123456789012345678", "12345678901234.567", "-1e300"])
def test_a_number_that_lost_digits_is_no_number(stored: str) -> None:
    with pytest.raises(LostDigitsError):
        number_text(stored)


@pytest.mark.parametrize(
    ("stored", "kind", "from_1904", "text"),
    [
        ("46094", "date", False, "2026-03-13"),
        ("44632", "date", True, "2026-03-13"),
        ("46094.70833333334", "date", False, "2026-03-13 17:00:00"),
        ("46094.7083391204", "date", False, "2026-03-13 17:00:00.500"),
        ("0.3958333333333333", "date", False, "09:30:00"),
        ("1.0833333333333333", "elapsed", False, "26:00:00"),
        ("1", "date", False, "1900-01-01"),
        ("59", "date", False, "1900-02-28"),
        ("60", "date", False, "1900-02-29"),
        ("61", "date", False, "1900-03-01"),
        ("2958465", "date", False, "9999-12-31"),
        ("2958466", "date", False, "2958466"),
        ("2957003", "date", True, "9999-12-31"),
        ("2957004", "date", True, "2957004"),
        ("-1", "date", False, "-1"),
    ],
)
def test_a_day_count_is_the_day_that_the_filer_sees(
    stored: str, kind: Literal["date", "elapsed"], from_1904: bool, text: str
) -> None:
    assert date_text(stored, kind, from_1904) == text


@pytest.mark.parametrize(
    ("number", "code", "kind"),
    [
        (14, None, "date"),
        (31, None, "date"),
        (57, None, "date"),
        (46, None, "elapsed"),
        (0, None, "number"),
        (44, None, "number"),
        (164, "yyyy/m/d", "date"),
        (164, '[$-804]yyyy"年"m"月"d"日";@', "date"),
        (164, "上午/下午h时mm分", "date"),
        (164, "[h]:mm:ss", "elapsed"),
        (164, "General", "number"),
        (164, '"¥"#,##0.00;[Red]-"¥"#,##0.00', "number"),
        (164, '#,##0.00"days"', "number"),
        (164, r"0.00\d", "number"),
        (164, "_ * #,##0.00_ ;_ * -#,##0.00_ ", "number"),
        (164, "0.00E+00", "number"),
        (164, "@", "number"),
    ],
)
def test_a_format_says_what_a_number_is(number: int, code: str | None, kind: str) -> None:
    assert kind_of_format(number, code) == kind


def test_values_survive_the_way_through_a_real_workbook() -> None:
    found = rows_of(
        {
            "A1": "a",
            "B1": "b",
            "C1": "c",
            "D1": "d",
            "A2": 98765432.1,
            "B2": True,
            "C2": datetime.date(2026, 3, 13),
            "D2": datetime.datetime(2026, 3, 13, 17, 0, 5),
        }
    )
    assert found == [{"row_number": 2, "a": "98765432.1", "b": "是", "c": "2026-03-13", "d": "2026-03-13 17:00:05"}]


def test_a_formula_error_stays_as_text_instead_of_becoming_empty() -> None:
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer)
    sheet = book.add_worksheet("data")
    sheet.write_row(1, 0, ["a", "b", "c"])
    sheet.write_formula(2, 1, "=1/0", None, "#DIV/0!")
    sheet.write_formula(3, 2, "=Sheet9!A1", None, "#REF!")
    sheet.write_formula(4, 0, "=1+1", None, 2)
    book.close()
    content = repacked(buffer.getvalue(), {"xl/workbook.xml": put(' fullCalcOnLoad="1"', "")})
    assert b't="e"' in zipfile.ZipFile(buffer).read("xl/worksheets/sheet1.xml")  # the case is what it says
    assert Workbook(content, "t.xlsx").rows("data").to_pylist() == [
        {"row_number": 3, "a": None, "b": "#DIV/0!", "c": None},
        {"row_number": 4, "a": None, "b": None, "c": "#REF!"},
        {"row_number": 5, "a": "2", "b": None, "c": None},
    ]


def test_content_beside_the_named_columns_is_refused_by_row_and_column() -> None:
    assert "row 3 column D" in refusal(workbook({"A1": "a", "B1": "b", "A2": 1, "D3": SECRET}))


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ({}, "empty"),
        ({"A1": "a", "C1": "c"}, "no name in column B"),
        ({"B1": "b", "B2": 1}, "no name in column A"),
        ({"A1": SECRET, "B1": SECRET}, "columns A and B alike"),
    ],
)
def test_a_header_that_cannot_name_columns_is_refused(cells: dict[str, Any], said: str) -> None:
    assert said in refusal(workbook(cells))


def test_a_header_alone_is_a_table_of_zero_rows() -> None:
    table = Workbook(workbook({"A1": "a", "B1": "b"}), "t.xlsx").rows("data")
    assert (table.num_rows, table.column_names) == (0, ["row_number", "a", "b"])


def test_more_rows_than_one_batch_keep_their_numbers() -> None:
    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"constant_memory": True})
    sheet = book.add_worksheet("data")
    for row in range(25_000):
        sheet.write(row, 0, row + 1 if row else "a")
    book.close()
    table = Workbook(buffer.getvalue(), "t.xlsx").rows("data")
    assert table.num_rows == 24_999
    assert table["a"].to_pylist() == [str(number) for number in table["row_number"].to_pylist()]


def test_an_encrypted_or_old_workbook_is_refused_with_the_way_out() -> None:
    assert "Remove the password" in refusal(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600)


def test_a_broken_workbook_is_refused() -> None:
    whole = workbook({"A1": "a"})
    assert "not a readable XLSX" in refusal(whole[: len(whole) // 2])
    assert "not a readable XLSX" in refusal(b"a,b\n1,2\n")


def test_a_workbook_with_a_damaged_sheet_is_refused() -> None:
    source, buffer = zipfile.ZipFile(io.BytesIO(workbook({"A1": "a", "A2": 1}))), io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as damaged:
        for name in source.namelist():
            content = source.read(name)
            damaged.writestr(name, content[: len(content) - 40] if name.endswith("sheet1.xml") else content)
    assert "not a readable XLSX" in refusal(buffer.getvalue())
