"""For tests: fill in a worksheet as a clerk would, in a spreadsheet program that saves the whole workbook anew."""

import io
from collections.abc import Mapping
from pathlib import Path

import openpyxl

from ingest.read.worksheet import HEADERS, WORK_SHEET

Fill = Mapping[str, str | float | None]


def lines_of(content: bytes) -> list[dict[str, str | int | None]]:
    """The rows of the sheet to work in, by header, and their number as `line`."""
    sheet = openpyxl.load_workbook(io.BytesIO(content))[WORK_SHEET]
    header, *rows = sheet.iter_rows()
    names = [str(cell.value) for cell in header]
    return [
        {**dict(zip(names, (cell.value for cell in row), strict=True)), "line": number}
        for number, row in enumerate(rows, start=2)
    ]


def filled(content: bytes, place: Path, fills: Mapping[int, Fill]) -> Path:
    """Write the worksheet to `place`, with these cells of these lines filled in by key of `HEADERS`."""
    book = openpyxl.load_workbook(io.BytesIO(content))
    sheet = book[WORK_SHEET]
    columns = {cell.value: cell.column for cell in sheet[1]}
    for line, cells in fills.items():
        for key, value in cells.items():
            sheet.cell(line, columns[HEADERS[key]]).value = value
    place.parent.mkdir(parents=True, exist_ok=True)
    book.save(place)
    return place


def line_for(content: bytes, **wanted: str | int) -> int:
    """The line that holds these values, by key of `HEADERS`; there must be just one."""
    (line,) = [
        number
        for line in lines_of(content)
        if all(line[HEADERS[key]] == value for key, value in wanted.items()) and isinstance(number := line["line"], int)
    ]
    return line
