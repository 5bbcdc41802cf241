"""The workbook to fill in: a sheet a table, drop-downs from the code lists, and a sheet of notes in two languages."""

import datetime
import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from expectations.headers import template_header
from expectations.spec import Code, FieldSpec, Standard, TableSpec
from ingest.read import MANIFEST_SHEET
from ingest.read.manifest_file import HINTS, KINDS, SHEET_KEYS
from ingest.read.xlsx_file import NO, SIGNIFICANT_DIGITS, YES
from ingest.template_cells import example_cells, filing_values, filled
from ingest.template_notes import FILING_NOTES, Line, field_note, notes

if TYPE_CHECKING:
    from xlsxwriter import Workbook
    from xlsxwriter.worksheet import Worksheet

CODES_SHEET = "代码表"
NOTES_SHEET = "说明"
FIRST_DAY, LAST_DAY = datetime.datetime(1900, 1, 1), datetime.datetime(9999, 12, 31)
LARGEST_NUMBER = 10**15  # beyond it Excel rounds
LAST_ROW = 1_048_575  # of any sheet, counted from 0
FIXED_DAY = datetime.datetime(2026, 1, 1)  # the only date inside: the content decides the bytes
NARROWEST, WIDEST = 12, 44
NOTE_WIDTH, NOTE_LINE = 420, 19  # pixels
REQUIRED, CONDITIONAL, OPTIONAL = "#1F4E79", "#5B7FA3", "#8A94A0"
TEXT_FORMAT = 49  # "@" among Excel's own formats: keeps leading zeros and long digits as they are typed
FORMATS = {"date": "yyyy-mm-dd", "timestamp": "yyyy-mm-dd hh:mm:ss", "integer": "0"}


def workbook(standard: Standard, specs: Sequence[TableSpec], example: bool) -> bytes:
    """The bytes of the workbook for these tables; the same standard gives the same bytes."""
    from xlsxwriter import Workbook

    buffer = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with Workbook(buffer, options) as book:
        book.set_properties({"created": FIXED_DAY, "title": f"{standard.head.title.zh} {standard.latest_version}"})
        looks = _Looks(book)
        _write_notes(book.add_worksheet(NOTES_SHEET), looks, notes(standard, specs))
        _write_filing(book.add_worksheet(MANIFEST_SHEET), looks, filing_values(standard, specs, example))
        used = [name for spec in specs for field in spec.fields for name in (field.code_list, field.states) if name]
        lists = {name: standard.codes[name] for name in dict.fromkeys(used)}
        places = _places(lists)
        with_example = filled(standard, specs, example)
        for spec in specs:
            cells = example_cells(standard, spec) if spec.table in with_example else []
            _write_table(book.add_worksheet(spec.title.zh), looks, standard, spec, places, cells)
        _write_codes(book.add_worksheet(CODES_SHEET), looks, lists)
    return _stored(buffer.getvalue())


class _Looks:
    """Cell formats of one workbook, each made once."""

    def __init__(self, book: "Workbook") -> None:
        self._book = book
        self._made: dict[tuple[tuple[str, Any], ...], Any] = {}

    def of(self, **properties: Any) -> Any:
        key = tuple(sorted(properties.items()))
        if key not in self._made:
            self._made[key] = self._book.add_format({"valign": "top", **properties})
        return self._made[key]

    @property
    def body(self) -> Any:
        return self.of(text_wrap=True)

    @property
    def heading(self) -> Any:
        return self.header(REQUIRED)

    def header(self, colour: str) -> Any:
        return self.of(text_wrap=True, bold=True, font_color="#FFFFFF", bg_color=colour, num_format=TEXT_FORMAT)


def _write_notes(sheet: "Worksheet", looks: _Looks, lines: Sequence[Line]) -> None:
    sheet.set_column(0, 0, 26)
    sheet.set_column(1, 2, 64)
    sheet.hide_gridlines(2)
    for row, line in enumerate(lines):
        look = {"title": looks.of(bold=True, font_size=16), "heading": looks.heading}.get(line.kind, looks.body)
        for column, text in enumerate((line.label, line.zh, line.en)):
            shade = {"required": REQUIRED, "conditional": CONDITIONAL, "optional": OPTIONAL}.get(line.kind)
            sheet.write_string(row, column, text, looks.header(shade) if shade and column == 0 else look)


def _write_filing(sheet: "Worksheet", looks: _Looks, values: dict[str, str]) -> None:
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


@dataclass(frozen=True)
class _Place:
    """Where the Chinese names of a code list stand: a range of the sheet of codes."""

    first: int
    last: int

    @property
    def formula(self) -> str:
        return f"='{CODES_SHEET}'!$C${self.first + 1}:$C${self.last + 1}"


def _places(lists: dict[str, tuple[Code, ...]]) -> dict[str, _Place]:
    places, row = {}, 1
    for name, codes in lists.items():
        places[name] = _Place(row, row + len(codes) - 1)
        row += len(codes)
    return places


def _write_codes(sheet: "Worksheet", looks: _Looks, lists: dict[str, tuple[Code, ...]]) -> None:
    for column, (text, width) in enumerate(
        (
            ("代码表 List", 24),
            ("代码 Code", 16),
            ("中文 Chinese", 36),
            ("英文 English", 44),
            ("也可写作 Also written", 44),
        )
    ):
        sheet.set_column(column, column, width)
        sheet.write_string(0, column, text, looks.heading)
    row = 1
    for name, codes in lists.items():
        for code in codes:
            for column, text in enumerate((name, code.code, code.zh, code.en, code.aliases.replace(";", "；"))):
                sheet.write_string(row, column, text, looks.of(num_format=TEXT_FORMAT))
            row += 1
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, max(row - 1, 1), 4)
    _allow_text_numbers(sheet)


def _write_table(
    sheet: "Worksheet",
    looks: _Looks,
    standard: Standard,
    spec: TableSpec,
    places: dict[str, _Place],
    cells: Sequence[str],
) -> None:
    """Header row with notes, formats and drop-downs down the whole column; the example as row 2 where there is one."""
    sheet.freeze_panes(1, 1)
    sheet.set_row(0, 36)
    for column, field in enumerate(spec.fields):
        header = template_header(standard, field)
        look = looks.of(num_format=_number_format(field))
        sheet.set_column(column, column, _width(header, field.example or ""), look)
        colour = REQUIRED if field.required else CONDITIONAL if field.required_when else OPTIONAL
        sheet.write_string(0, column, header, looks.header(colour))
        note = field_note(standard, field)
        lines = sum(1 + _cells_wide(line) // 58 for line in note.split("\n"))
        size = {"width": NOTE_WIDTH, "height": NOTE_LINE * (lines + 1)}
        sheet.write_comment(0, column, note, {**size, "font_size": 9, "author": standard.head.name})
        if allowed := _validation(field, places):
            sheet.data_validation(1, column, LAST_ROW, column, allowed)
        if cells and cells[column]:
            _write_cell(sheet, column, field, cells[column], look)
    _allow_text_numbers(sheet)


def _write_cell(sheet: "Worksheet", column: int, field: FieldSpec, text: str, look: Any) -> None:
    """Numbers and dates as Excel knows them, while it keeps all their digits; anything else as text."""
    digits = sum(sign.isdigit() for sign in text)
    if field.base_type in ("integer", "decimal") and digits <= SIGNIFICANT_DIGITS:
        sheet.write_number(1, column, float(Decimal(text)), look)
    elif field.base_type in ("date", "timestamp"):
        sheet.write_datetime(1, column, datetime.datetime.fromisoformat(text), look)
    else:
        sheet.write_string(1, column, text, look)


def _number_format(field: FieldSpec) -> str | int:
    if field.base_type == "decimal":
        scale = int(field.arguments[1])
        return ("#,##0" if field.unit == "CNY" else "0") + ("." + "0" * scale if scale else "")
    return FORMATS.get(field.base_type, TEXT_FORMAT)


def _validation(field: FieldSpec, places: dict[str, _Place]) -> dict[str, Any] | None:
    """What Excel lets into the column; asked about, not refused, where it may be right all the same.

    A missing-data code may stand for a value, a code or its alias for the name in the drop-down.
    """
    rules: dict[str, dict[str, Any]] = {
        "boolean": {"validate": "list", "source": [YES, NO]},
        "integer": {"validate": "integer", "minimum": -LARGEST_NUMBER, "maximum": LARGEST_NUMBER},
        "decimal": {"validate": "decimal", "minimum": -LARGEST_NUMBER, "maximum": LARGEST_NUMBER},
        "date": {"validate": "date", "minimum": FIRST_DAY, "maximum": LAST_DAY},
        "timestamp": {"validate": "date", "minimum": FIRST_DAY, "maximum": LAST_DAY},
    }
    if field.code_list:
        rule: dict[str, Any] | None = {"validate": "list", "source": places[field.code_list].formula}
    else:
        rule = rules.get(field.base_type)
    if rule is None:
        return None
    between = {"criteria": "between"} if "minimum" in rule else {}
    return {
        **rule,
        **between,
        # several codes in one cell: the list helps with the first, and must not refuse the rest
        "show_error": field.separator is None,
        "error_type": "warning" if field.nd or field.code_list else "stop",
        "error_title": "格式 Format",
        "error_message": "请按表头批注填写。Fill this cell as the note on the header says.",
    }


def _allow_text_numbers(sheet: "Worksheet") -> None:
    sheet.ignore_errors({"number_stored_as_text": f"A1:XFD{LAST_ROW + 1}"})


def _width(header: str, example: str) -> int:
    return min(WIDEST, max(NARROWEST, _cells_wide(header) + 3, min(_cells_wide(example), WIDEST) + 2))


def _cells_wide(text: str) -> int:
    """Width in Latin letters; a Chinese character takes two."""
    return sum(2 if ord(sign) > 0x2E7F else 1 for sign in text)


def _stored(content: bytes) -> bytes:
    """The same ZIP without compression: what deflating makes depends on the machine's zlib."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as made, zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in made.namelist():
            archive.writestr(zipfile.ZipInfo(name, FIXED_DAY.timetuple()[:6]), made.read(name))
    return buffer.getvalue()
