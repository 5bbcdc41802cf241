"""XLSX sheets as text columns: numbers as typed, dates in ISO form, rows numbered as the filer sees them."""

import datetime
import html
import io
import posixpath
import re
import zipfile
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from xml.etree import ElementTree

import pyarrow as pa

from ingest.errors import FilingError
from ingest.read.columns import check_headers, column_letter, text_table
from ingest.read.members import refuse_bombs

COMPOUND_FILE = b"\xd0\xcf\x11\xe0"  # old .xls, and what Office makes of a workbook with a password
YES, NO = "是", "否"
SIGNIFICANT_DIGITS = 15  # what Excel itself keeps; more is noise of binary arithmetic
BATCH_ROWS = 10_000
ROWS_SHOWN = 5
# `e` is the cell type of a formula's error
ERROR_CELL = re.compile(
    rb'<(?:\w+:)?c\b(?=[^>]*\bt="e")[^>]*\br="([A-Z]+)(\d+)"[^>]*>(?:(?!</(?:\w+:)?c>).)*?'
    rb"<(?:\w+:)?v>([^<]*)<",
    re.DOTALL,
)
RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


class Workbook:
    """An open workbook; `file` names it in errors.

    Raises:
        FilingError: encrypted, broken, or no XLSX.
    """

    def __init__(self, content: bytes, file: str) -> None:
        import python_calamine

        self.file = file
        self._content = content
        if content.startswith(COMPOUND_FILE):
            raise FilingError(
                f"{file}：工作簿已加密，或是旧的 .xls 格式。请去掉密码并另存为 .xlsx。",
                f"{file}: the workbook is encrypted or an old .xls. Remove the password and save it as .xlsx.",
            )
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                refuse_bombs(archive, file)
            self._book = python_calamine.load_workbook(io.BytesIO(content))
        except (python_calamine.CalamineError, zipfile.BadZipFile, OSError) as error:
            raise _broken(file) from error

    @property
    def sheets(self) -> list[str]:
        return list(self._book.sheet_names)

    @property
    def hidden(self) -> set[str]:
        return {sheet.name for sheet in self._book.sheets_metadata if not str(sheet.visible).endswith(".Visible")}

    def lines(self, sheet: str) -> Iterator[tuple[int, list[str]]]:
        """Row number (from 1) and cells as trimmed text of every row with content; cells start at column A."""
        import python_calamine

        errors = self._error_cells(sheet)
        try:
            opened = self._book.get_sheet_by_name(sheet)
            left = [""] * (opened.start[1] if opened.start else 0)
            for number, values in enumerate(opened.iter_rows(), start=1):
                cells = left + [cell_text(value).strip() for value in values]
                for column, text in errors.get(number, {}).items():
                    cells[len(cells) : column + 1] = [""] * (column + 1 - len(cells))
                    cells[column] = text
                if any(cells):
                    yield number, cells
        except python_calamine.CalamineError as error:
            raise _broken(self.file) from error

    def rows(self, sheet: str) -> pa.Table:
        """The sheet's rows (`row_number`, then one string column per header as filed).

        The first row with content is the header. Rows and columns without any content are no part of the table.

        Raises:
            FilingError: an empty sheet, a bad header, or content in a column without a header.
        """
        place = f"{self.file}[{sheet}]"
        lines = self.lines(sheet)
        header_row, headers = next(lines, (0, []))
        if not headers:
            raise FilingError(f"{place}：工作表是空的，没有表头。", f"{place}: the sheet is empty, without a header.")
        while not headers[-1]:
            headers.pop()
        check_headers(headers, place, header_row)
        width = len(headers)
        numbers: list[int] = []
        chunks: list[pa.RecordBatch] = []
        batch: list[list[str]] = []
        beyond: list[tuple[int, str]] = []
        names = [str(index) for index in range(width)]
        for number, cells in lines:
            extra = next((index for index in range(width, len(cells)) if cells[index]), None)
            if extra is not None:
                beyond.append((number, column_letter(extra)))
            numbers.append(number)
            batch.append((cells + [""] * (width - len(cells)))[:width])
            if len(batch) == BATCH_ROWS:
                chunks.append(_batch(batch, names))
                batch = []
        if beyond:
            raise _beyond_header(place, beyond)
        chunks.append(_batch(batch, names))
        return text_table(pa.array(numbers, pa.int64()), headers, pa.Table.from_batches(chunks).columns)

    def _error_cells(self, sheet: str) -> dict[int, dict[int, str]]:
        """Formula errors (#REF! ..) by row and 0-based column: calamine makes them empty, which would hide them."""
        found: dict[int, dict[int, str]] = {}
        with zipfile.ZipFile(io.BytesIO(self._content)) as archive:
            try:
                content = archive.read(_part_of(archive, sheet))
            except (KeyError, StopIteration, ElementTree.ParseError, zipfile.BadZipFile) as error:
                raise _broken(self.file) from error
        if b't="e"' in content:
            for letters, row, text in ERROR_CELL.findall(content):
                found.setdefault(int(row), {})[_column_index(letters)] = html.unescape(text.decode("utf-8"))
        return found


def cell_text(value: Any) -> str:
    """A cell as its filer would write it down: 756 and not 756.0, 0.00001 and not 1E-05, 2026-03-13, 是 / 否."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return YES if value else NO
    if isinstance(value, float):
        plain = format(Decimal(f"{value:.{SIGNIFICANT_DIGITS}g}"), "f")
        return plain.rstrip("0").rstrip(".") if "." in plain else plain
    if isinstance(value, datetime.datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    if isinstance(value, datetime.timedelta):
        minutes, seconds = divmod(int(value.total_seconds()), 60)
        return f"{minutes // 60:02}:{minutes % 60:02}:{seconds:02}"
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    return str(value)


def _batch(rows: list[list[str]], names: list[str]) -> pa.RecordBatch:
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(names)
    return pa.record_batch([pa.array(column, pa.string()) for column in columns], names=names)


def _beyond_header(place: str, cells: list[tuple[int, str]]) -> FilingError:
    shown = cells[:ROWS_SHOWN]
    return FilingError(
        f"{place}：有 {len(cells)} 行在没有列名的列中有内容："
        + "，".join(f"第 {row} 行 {letter} 列" for row, letter in shown)
        + "。请填写列名或清空。",
        f"{place}: {len(cells)} row(s) hold something in a column without a name: "
        + ", ".join(f"row {row} column {letter}" for row, letter in shown)
        + ". Name the column or clear it.",
    )


def _part_of(archive: zipfile.ZipFile, sheet: str) -> str:
    """The path of the sheet's XML inside the workbook."""
    # expat itself (2.4.1 and later) limits how far entities may expand
    book = ElementTree.fromstring(archive.read("xl/workbook.xml"))  # noqa: S314
    relation = next(
        node.get(RELATION) for node in book.iter() if node.tag.endswith("}sheet") and node.get("name") == sheet
    )
    links = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))  # noqa: S314
    target = next(node.get("Target", "") for node in links if node.get("Id") == relation)
    return posixpath.normpath(posixpath.join("/xl", target)).lstrip("/")


def _column_index(letters: bytes) -> int:
    index = 0
    for letter in letters:
        index = index * 26 + letter - ord("A") + 1
    return index - 1


def _broken(file: str) -> FilingError:
    return FilingError(
        f"{file}：不是可读的 XLSX 工作簿（可能已损坏）。请在 Excel 中重新保存。",
        f"{file}: not a readable XLSX workbook (it may be broken). Save it again in Excel.",
    )
