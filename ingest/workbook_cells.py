"""What the platform's workbooks share: cell looks, number formats, what Excel lets into a cell, the sheet of codes."""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from expectations.spec import Code, FieldSpec
from ingest.read.columns import NO, YES
from ingest.template_notes import Line

if TYPE_CHECKING:
    from xlsxwriter import Workbook
    from xlsxwriter.worksheet import Worksheet

CODES_SHEET = "代码表"
NOTES_SHEET = "说明"
FIXED_DAY = datetime.datetime(2026, 1, 1)  # the only date inside: the content decides the bytes
WRITTEN_AS_TEXT = {
    "in_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}
"""How a workbook is opened: no text becomes a formula, a link or a number."""
FIRST_DAY, LAST_DAY = datetime.datetime(1900, 1, 1), datetime.datetime(9999, 12, 31)
LARGEST_NUMBER = 10**15  # beyond it Excel rounds
LAST_ROW = 1_048_575  # of any sheet, counted from 0
NOTES_LABEL_WIDTH, NOTES_TEXT_WIDTH = 28, 64
LINE_HEIGHT = 16  # points
REQUIRED, CONDITIONAL, OPTIONAL = "#1F4E79", "#5B7FA3", "#8A94A0"
TEXT_FORMAT = 49  # "@" among Excel's own formats: keeps leading zeros and long digits as they are typed
FORMATS = {"date": "yyyy-mm-dd", "timestamp": "yyyy-mm-dd hh:mm:ss", "integer": "0"}


class Looks:
    """Cell formats of one workbook, each made once."""

    def __init__(self, book: "Workbook") -> None:
        self._book = book
        self._made: dict[tuple[tuple[str, Any], ...], Any] = {}

    def of(self, **properties: Any) -> Any:
        """The format with these properties of xlsxwriter."""
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


def write_notes(sheet: "Worksheet", looks: Looks, lines: Sequence[Line]) -> None:
    """The sheet of notes: what each line is about, in Chinese, in English."""
    sheet.set_column(0, 0, NOTES_LABEL_WIDTH)
    sheet.set_column(1, 2, NOTES_TEXT_WIDTH)
    sheet.hide_gridlines(2)
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    for row, line in enumerate(lines):
        look = {"title": looks.of(bold=True, font_size=16), "heading": looks.heading}.get(line.kind, looks.body)
        # not every program makes room for wrapped text by itself
        folded = max(lines_of(text, NOTES_TEXT_WIDTH) for text in (line.zh, line.en))
        sheet.set_row(row, 24 if line.kind == "title" else LINE_HEIGHT * folded)
        for column, text in enumerate((line.label, line.zh, line.en)):
            shade = {"required": REQUIRED, "conditional": CONDITIONAL, "optional": OPTIONAL}.get(line.kind)
            sheet.write_string(row, column, text, looks.header(shade) if shade and column == 0 else look)


@dataclass(frozen=True)
class CodePlace:
    """Where the Chinese names of a code list stand: a range of the sheet of codes."""

    first: int
    last: int

    @property
    def formula(self) -> str:
        return f"='{CODES_SHEET}'!$C${self.first + 1}:$C${self.last + 1}"


def code_places(lists: Mapping[str, Sequence[Code]]) -> dict[str, CodePlace]:
    """Where each list will stand on the sheet of codes."""
    places, row = {}, 1
    for name, codes in lists.items():
        places[name] = CodePlace(row, row + len(codes) - 1)
        row += len(codes)
    return places


def write_codes(sheet: "Worksheet", looks: Looks, lists: Mapping[str, Sequence[Code]]) -> None:
    """The sheet of codes, which the drop-downs of the others look at."""
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
    allow_text_numbers(sheet)


def number_format(field: FieldSpec) -> str | int:
    """Excel's format for a field's cells."""
    if field.base_type == "decimal":
        scale = int(field.arguments[1])
        return ("#,##0" if field.unit == "CNY" else "0") + ("." + "0" * scale if scale else "")
    return FORMATS.get(field.base_type, TEXT_FORMAT)


def validation(field: FieldSpec, places: Mapping[str, CodePlace]) -> dict[str, Any] | None:
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


def allow_text_numbers(sheet: "Worksheet") -> None:
    """No green corner in cells that hold digits as text."""
    sheet.ignore_errors({"number_stored_as_text": f"A1:XFD{LAST_ROW + 1}"})


def lines_of(text: str, width: int) -> int:
    """How many lines a text takes in a column of this width; at least one."""
    return sum(1 + max(cells_wide(part) - 1, 0) // width for part in text.split("\n"))


def cells_wide(text: str) -> int:
    """Width in Latin letters; a Chinese character takes two."""
    return sum(2 if ord(sign) > 0x2E7F else 1 for sign in text)
