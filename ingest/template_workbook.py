"""The workbook to fill in: a sheet a table, drop-downs from the code lists, and a sheet of notes in two languages."""

import datetime
import io
import zipfile
from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from expectations.headers import template_header
from expectations.spec import FieldSpec, Standard, TableSpec
from ingest.read import MANIFEST_SHEET
from ingest.read.columns import SIGNIFICANT_DIGITS
from ingest.read.manifest_file import HINTS, KINDS, SHEET_KEYS
from ingest.template_cells import example_cells, filing_values, filled
from ingest.template_notes import FILING_NOTES, field_note, notes
from ingest.workbook_cells import (
    CODES_SHEET,
    CONDITIONAL,
    FIXED_DAY,
    LAST_ROW,
    NOTES_SHEET,
    OPTIONAL,
    REQUIRED,
    TEXT_FORMAT,
    WRITTEN_AS_TEXT,
    CodePlace,
    Looks,
    allow_text_numbers,
    cells_wide,
    code_places,
    number_format,
    validation,
    write_codes,
    write_notes,
)

if TYPE_CHECKING:
    from xlsxwriter.worksheet import Worksheet

NARROWEST, WIDEST = 12, 44
NOTE_WIDTH, NOTE_LINE = 420, 19  # pixels


def workbook(standard: Standard, specs: Sequence[TableSpec], example: bool) -> bytes:
    """The bytes of the workbook for these tables; the same standard gives the same bytes."""
    from xlsxwriter import Workbook

    buffer = io.BytesIO()
    with Workbook(buffer, WRITTEN_AS_TEXT) as book:
        book.set_properties({"created": FIXED_DAY, "title": f"{standard.head.title.zh} {standard.latest_version}"})
        looks = Looks(book)
        write_notes(book.add_worksheet(NOTES_SHEET), looks, notes(standard, specs))
        _write_filing(book.add_worksheet(MANIFEST_SHEET), looks, filing_values(standard, specs, example))
        used = [name for spec in specs for field in spec.fields for name in (field.code_list, field.states) if name]
        lists = {name: standard.codes[name] for name in dict.fromkeys(used)}
        places = code_places(lists)
        with_example = filled(standard, specs, example)
        for spec in specs:
            cells = example_cells(standard, spec) if spec.table in with_example else []
            _write_table(book.add_worksheet(spec.title.zh), looks, standard, spec, places, cells)
        write_codes(book.add_worksheet(CODES_SHEET), looks, lists)
    return _stored(buffer.getvalue())


def _write_filing(sheet: "Worksheet", looks: Looks, values: dict[str, str]) -> None:
    """Sheet `filing`, as `ingest.read.manifest_file` reads it: key, value; the third column is for people."""
    sheet.set_column(0, 0, 18)
    sheet.set_column(1, 1, 40, looks.of(num_format=TEXT_FORMAT))
    sheet.set_column(2, 2, 80)
    for column, text in enumerate(("项目", "填写内容", "怎样填写 How to fill")):
        sheet.write_string(0, column, text, looks.heading)
    words = {code: zh for zh, code in KINDS.items()}
    for row, (key, label) in enumerate(SHEET_KEYS.items(), start=1):
        text = words.get(values[key], values[key]) if key == "kind" else values[key]
        sheet.write_string(row, 0, label, looks.of(bold=True))
        if text:
            sheet.write_string(row, 1, text, looks.of(num_format=TEXT_FORMAT))
        sheet.write_string(row, 2, " · ".join((*{**HINTS, **FILING_NOTES}.get(key, ()), key)), looks.body)
        if key == "kind":
            sheet.data_validation(row, 1, row, 1, {"validate": "list", "source": list(KINDS)})
    sheet.freeze_panes(1, 0)


def _write_table(
    sheet: "Worksheet",
    looks: Looks,
    standard: Standard,
    spec: TableSpec,
    places: dict[str, CodePlace],
    cells: Sequence[str],
) -> None:
    """Header row with notes, formats and drop-downs down the whole column; the example as row 2 where there is one."""
    sheet.freeze_panes(1, 1)
    sheet.set_row(0, 36)
    for column, field in enumerate(spec.fields):
        header = template_header(standard, field)
        look = looks.of(num_format=number_format(field))
        sheet.set_column(column, column, _width(header, field.example or ""), look)
        colour = REQUIRED if field.required else CONDITIONAL if field.required_when else OPTIONAL
        sheet.write_string(0, column, header, looks.header(colour))
        note = field_note(standard, field)
        lines = sum(1 + cells_wide(line) // 58 for line in note.split("\n"))
        size = {"width": NOTE_WIDTH, "height": NOTE_LINE * (lines + 1)}
        sheet.write_comment(0, column, note, {**size, "font_size": 9, "author": standard.head.name})
        if allowed := validation(field, places):
            sheet.data_validation(1, column, LAST_ROW, column, allowed)
        if cells and cells[column]:
            _write_cell(sheet, column, field, cells[column], look)
    allow_text_numbers(sheet)


def _write_cell(sheet: "Worksheet", column: int, field: FieldSpec, text: str, look: Any) -> None:
    """Numbers and dates as Excel knows them, while it keeps all their digits; anything else as text."""
    digits = sum(sign.isdigit() for sign in text)
    if field.base_type in ("integer", "decimal") and digits <= SIGNIFICANT_DIGITS:
        sheet.write_number(1, column, float(Decimal(text)), look)
    elif field.base_type in ("date", "timestamp"):
        sheet.write_datetime(1, column, datetime.datetime.fromisoformat(text), look)
    else:
        sheet.write_string(1, column, text, look)


def _width(header: str, example: str) -> int:
    return min(WIDEST, max(NARROWEST, cells_wide(header) + 3, min(cells_wide(example), WIDEST) + 2))


def _stored(content: bytes) -> bytes:
    """The same ZIP without compression: what deflating makes depends on the machine's zlib."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as made, zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in made.namelist():
            archive.writestr(zipfile.ZipInfo(name, FIXED_DAY.timetuple()[:6]), made.read(name))
    return buffer.getvalue()
