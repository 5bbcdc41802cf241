"""XLSX sheets as text columns: numbers as typed, dates in ISO form, rows numbered as the filer sees them.

Hidden rows, hidden columns and rows that a filter hides are rows like any other. Formulas count by the value that the
workbook keeps for them. What a workbook can't say for certain (a formula nobody calculated, a long number that lost
digits, merged cells inside the table) is refused with its cells.
"""

import io
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

import pyarrow as pa

from ingest.errors import FilingError
from ingest.read.columns import SIGNIFICANT_DIGITS, check_headers, column_letter, text_table
from ingest.read.members import OPEN_DOCUMENT, refuse_bombs, refuse_crowds
from ingest.read.stored import StoredRows, stored
from ingest.read.xlsx_cells import Cell, CellsTold, SheetCells
from ingest.read.xlsx_parts import BREAKAGE, BookParts, book_parts, cell_kinds, shared_strings
from ingest.read.xlsx_values import Kind

COMPOUND_FILE = b"\xd0\xcf\x11\xe0"  # old .xls, and what Office makes of a workbook with a password
BATCH_CELLS = 200_000


class Workbook:
    """An open workbook; `file` names it in errors.

    Raises:
        FilingError: encrypted, broken, with macros, or no XLSX.
    """

    def __init__(self, content: bytes | Path, file: str) -> None:
        self.file = file
        source = io.BytesIO(content) if isinstance(content, bytes) else content.open("rb")
        is_compound = source.read(len(COMPOUND_FILE)) == COMPOUND_FILE
        source.seek(0)
        if is_compound:
            source.close()
            raise FilingError(
                f"{file}：工作簿已加密，或是旧的 .xls 格式。请去掉密码并另存为 .xlsx。",
                f"{file}: the workbook is encrypted or an old .xls. Remove the password and save it as .xlsx.",
            )
        with self._breakage_told():
            refuse_crowds(source, file)
            self._archive = zipfile.ZipFile(source)
            refuse_bombs(self._archive, file)
            self._parts = self._opened()

    def _opened(self) -> BookParts:
        names = set(self._archive.namelist())
        is_open_document = "mimetype" in names and self._archive.read("mimetype").startswith(OPEN_DOCUMENT)
        parts = BookParts(is_binary=True) if is_open_document else book_parts(self._archive)
        if parts.is_binary:
            raise FilingError(
                f"{self.file}：是 .xlsb 或 .ods 格式的工作簿。请另存为 .xlsx。",
                f"{self.file}: a workbook in the format .xlsb or .ods. Save it as .xlsx.",
            )
        if parts.has_macros:
            raise FilingError(
                f"{self.file}：工作簿含有宏，已拒收。请另存为不含宏的 .xlsx。",
                f"{self.file}: the workbook holds macros. Save it as .xlsx, without macros.",
            )
        return parts

    @property
    def sheets(self) -> list[str]:
        return list(self._parts.sheets)

    @property
    def hidden(self) -> set[str]:
        return {name for name, place in self._parts.sheets.items() if place.is_hidden}

    @cached_property
    def _strings(self) -> list[str]:
        return shared_strings(self._archive, self._parts.strings)

    @cached_property
    def _kinds(self) -> list[Kind]:
        return cell_kinds(self._archive, self._parts.styles)

    def lines(self, sheet: str) -> Iterator[tuple[int, list[str]]]:
        """Row number (from 1) and cells as trimmed text of every row with content; cells start at column A.

        Raises:
            FilingError: a broken sheet, or (after the last row) cells whose value the workbook does not tell.
        """
        with self._breakage_told():
            cells = SheetCells(self._strings, self._kinds, self._parts.from_1904)
        yield from self._lines(sheet, cells)

    def _lines(self, sheet: str, cells: SheetCells) -> Iterator[tuple[int, list[str]]]:
        with self._breakage_told(), self._archive.open(self._parts.sheets[sheet].part) as source:
            for number, found in cells.rows(source):
                line = [""] * (max(found) + 1)
                for column, text in found.items():
                    line[column] = text
                yield number, line
        self._refuse_untold(f"{self.file}[{sheet}]", cells)

    def rows(self, sheet: str) -> pa.Table:
        """The sheet's rows (`row_number`, then one string column per header as filed).

        The first row with content is the header. Rows and columns without any content are no part of the table.

        Raises:
            FilingError: an empty sheet, a bad header, content in a column without a header, merged cells, or cells
                whose value the workbook does not tell.
        """
        return pa.concat_tables(self._pieces(sheet))

    def stored_rows(self, sheet: str, target: Path) -> StoredRows:
        """The same of a long sheet: its rows go through memory in batches, into the file `target`.

        Raises:
            FilingError: as `rows`.
        """
        return stored(self._pieces(sheet), target)

    def unpacked_size(self, sheet: str) -> int:
        """Bytes of the sheet's cells as they stand in the workbook, unpacked; 0 where its part is not there."""
        part = self._parts.sheets[sheet].part
        return self._archive.getinfo(part).file_size if part in self._archive.namelist() else 0

    def _pieces(self, sheet: str) -> Iterator[pa.Table]:
        """Tidied rows, batch by batch, the first one without rows; what is wrong with the whole is told at the end."""
        place = f"{self.file}[{sheet}]"
        with self._breakage_told():
            sheet_cells = SheetCells(self._strings, self._kinds, self._parts.from_1904)
        lines = self._lines(sheet, sheet_cells)
        header_row, headers = next(lines, (0, []))
        if not headers:
            raise FilingError(f"{place}：工作表是空的，没有表头。", f"{place}: the sheet is empty, without a header.")
        check_headers(headers, place, header_row)
        width = len(headers)
        numbers: list[int] = []
        batch: list[list[str]] = []
        beyond = CellsTold()
        last = header_row
        yield _piece(numbers, batch, headers)
        for number, cells in lines:
            if len(cells) > width:
                beyond.add(number, next(index for index in range(width, len(cells)) if cells[index]))
            numbers.append(number)
            last = number
            batch.append((cells + [""] * (width - len(cells)))[:width])
            if len(batch) * width >= BATCH_CELLS:
                yield _piece(numbers, batch, headers)
                numbers, batch = [], []
        if beyond.count:
            raise _beyond_header(place, beyond, header_row, width)
        _refuse_merged(place, sheet_cells.merged, (header_row, 0), (last, width - 1))
        yield _piece(numbers, batch, headers)

    def _refuse_untold(self, place: str, cells: SheetCells) -> None:
        uncalculated = cells.formulas if self._parts.is_uncalculated else cells.uncalculated
        if uncalculated.count:
            zh, en = _told(uncalculated)
            raise FilingError(
                f"{place}：有 {uncalculated.count} 个公式没有计算结果：{zh}。请在 Excel 中打开并保存，或粘贴为数值。",
                f"{place}: {uncalculated.count} formula(s) without a calculated value: {en}. "
                "Open and save the workbook in Excel, or paste them as values.",
            )
        if cells.lost_digits.count:
            zh, en = _told(cells.lost_digits)
            raise FilingError(
                f"{place}：有 {cells.lost_digits.count} 个数字超过 {SIGNIFICANT_DIGITS} 位，Excel 已丢失末位：{zh}。"
                "请把单元格设为文本格式后重新填写。",
                f"{place}: {cells.lost_digits.count} number(s) of more than {SIGNIFICANT_DIGITS} digits, "
                f"of which Excel lost the last: {en}. Format the cells as text and fill them in again.",
            )

    @contextmanager
    def _breakage_told(self) -> Iterator[None]:
        try:
            yield
        except BREAKAGE as error:
            raise FilingError(
                f"{self.file}：不是可读的 XLSX 工作簿（可能已损坏）。请在 Excel 中重新保存。",
                f"{self.file}: not a readable XLSX workbook (it may be broken). Save it again in Excel.",
            ) from error


def _piece(numbers: Sequence[int], rows: Sequence[Sequence[str]], headers: Sequence[str]) -> pa.Table:
    columns = list(zip(*rows, strict=True)) if rows else [()] * len(headers)
    texts = [pa.chunked_array([pa.array(column, pa.string())]) for column in columns]
    return text_table(pa.array(numbers, pa.int64()), headers, texts)


def _told(cells: CellsTold) -> tuple[str, str]:
    """The first of these cells, in Chinese and English."""
    places = [(row, column_letter(column)) for row, column in cells.first]
    more = cells.count > len(places)
    return (
        "，".join(f"第 {row} 行 {letter} 列" for row, letter in places) + ("等" if more else ""),
        ", ".join(f"row {row} column {letter}" for row, letter in places) + (" and more" if more else ""),
    )


def _beyond_header(place: str, cells: CellsTold, header_row: int, width: int) -> FilingError:
    zh, en = _told(cells)
    hint = ("", "")
    if width == 1:
        hint = (f"若第 {header_row} 行是标题而非表头，请删除。", f" If row {header_row} is a title, delete it.")
    return FilingError(
        f"{place}：有 {cells.count} 行在没有列名的列中有内容：{zh}。请填写列名或清空。{hint[0]}",
        f"{place}: {cells.count} row(s) hold something in a column without a name: {en}. "
        f"Name the column or clear it.{hint[1]}",
    )


def _refuse_merged(place: str, merged: Sequence[tuple[Cell, Cell]], first: Cell, last: Cell) -> None:
    """Only the first of merged cells holds a value: whether the others mean the same or nothing, nobody can tell."""
    inside = [
        (start, end)
        for start, end in merged
        if start[0] <= last[0] and end[0] >= first[0] and start[1] <= last[1] and end[1] >= first[1]
    ]
    if inside:
        shown = "、".join(
            f"{column_letter(start[1])}{start[0]}:{column_letter(end[1])}{end[0]}" for start, end in inside[:5]
        )
        raise FilingError(
            f"{place}：表中有 {len(inside)} 处合并单元格：{shown}。请取消合并并逐格填写。",
            f"{place}: {len(inside)} merged range(s) in the table: {shown}. Unmerge them and fill in every cell.",
        )
