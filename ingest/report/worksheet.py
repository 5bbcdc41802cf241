"""worksheet.xlsx: the offending cells, each with what is wrong beside it and room for what is right; to be filed back.

`ingest.read.worksheet` reads it again.
"""

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from expectations.spec import Bilingual, Code, FieldSpec, Standard
from ingest.read.worksheet import HEADERS, MARKER_SHEET, WORK_SHEET
from ingest.reasons import ANSWERABLE, REASON_LIST, reasons
from ingest.report.cells import visible
from ingest.report.model import Finding, Report
from ingest.report.wording import SEVERITY_WORDS, field_label, standing, table_title, told_value
from ingest.report.worksheet_notes import notes
from ingest.workbook_cells import (
    CODES_SHEET,
    CONDITIONAL,
    FIXED_DAY,
    LINE_HEIGHT,
    NOTES_SHEET,
    OPTIONAL,
    REQUIRED,
    TEXT_FORMAT,
    WRITTEN_AS_TEXT,
    CodePlace,
    Looks,
    allow_text_numbers,
    code_places,
    lines_of,
    number_format,
    validation,
    write_codes,
    write_notes,
)

if TYPE_CHECKING:
    from xlsxwriter import Workbook
    from xlsxwriter.worksheet import Worksheet

MOST_FINDINGS = 3_000
"""Who has more of them does not mend them cell by cell, and waits for no bigger workbook; each rule has its share."""
LONGEST_CELL = 32_000
"""Excel refuses a cell of more than 32,767 characters."""
MOST_VALIDATED = 2_000
"""Cells of one field that get a drop-down or a check of what is typed: Excel grows slow with more of them."""

_MOST_LINES = 8

_INPUT, _LOCKED, _SOFT, _LINE = "#FFF9DB", "#E7EAEE", "#8A94A0", "#C4CBD3"
_COLUMNS: dict[str, tuple[str, int]] = {
    "title": ("表 Table", 14),
    "row": (HEADERS["row"], 7),
    "word": ("级别 Severity", 9),
    "label": ("字段 Field", 20),
    "filed": ("报送值 As filed", 20),
    "corrected": (HEADERS["corrected"], 22),
    "reason": (HEADERS["reason"], 22),
    "message": ("问题 What is wrong", 46),
    "remedy": ("改法 How to fix", 46),
    "suggestion": ("建议 Suggestion", 18),
    "others": ("同处其他值 Beside it", 34),
    "key": ("主键 Key", 26),
    "status": ("状态 Status", 18),
    "rule_id": ("规则 Rule", 13),
    "file": ("文件 File", 20),
    "table": (HEADERS["table"], 14),
    "field": (HEADERS["field"], 14),
    "severity": (HEADERS["severity"], 9),
    "fingerprint": (HEADERS["fingerprint"], 18),
}
_PLACES = {key: place for place, key in enumerate(_COLUMNS)}
_INPUTS = ("corrected", "reason")
_MACHINE = ("table", "field", "severity", "fingerprint")


@dataclass(frozen=True)
class _Line:
    """One row of the sheet: a finding, and one of the cells that it is about; `spec` is null where it can't be mended
    cell by cell."""

    finding: Finding
    field: str
    spec: FieldSpec | None
    is_first: bool


def render(report: Report, standard: Standard) -> bytes:
    """The workbook's bytes; the same report gives the same bytes, and no filed value runs as a formula."""
    from xlsxwriter import Workbook

    findings = _bounded(report)
    lines = [line for finding in findings for line in _lines(finding, standard)]
    listed: dict[str, int] = {}
    for finding in findings:
        listed[finding.rule_id] = listed.get(finding.rule_id, 0) + 1
    lists = _code_lists(lines, standard)
    buffer = io.BytesIO()
    with Workbook(buffer, WRITTEN_AS_TEXT) as book:
        book.set_properties({"created": FIXED_DAY, "title": f"worksheet {report.verdict}"})
        looks = Looks(book)
        write_notes(book.add_worksheet(NOTES_SHEET), looks, notes(report, standard, listed))
        sheet = book.add_worksheet(WORK_SHEET)
        _write_lines(sheet, looks, lines, standard)
        _write_validations(sheet, lines, code_places(lists))
        if lists:
            write_codes(book.add_worksheet(CODES_SHEET), looks, lists)
        _write_marker(book, report)
    return buffer.getvalue()


def _bounded(report: Report) -> list[Finding]:
    """The findings that the worksheet lists, by severity and rule; of too many, as many of each rule."""
    groups = report.groups_to_work_on()
    share = max(MOST_FINDINGS // max(len(groups), 1), 1)
    is_whole = sum(len(group.findings) for group in groups) <= MOST_FINDINGS
    return [finding for group in groups for finding in (group.findings if is_whole else group.first(share))]


def _lines(finding: Finding, standard: Standard) -> Iterator[_Line]:
    """A line for each cell that can be corrected; one line without a cell where none can."""
    spec = standard.tables.get(finding.table)
    fields = [name for name in finding.fields if spec and finding.row is not None and name in spec.by_name]
    for number, name in enumerate(fields):
        yield _Line(finding, name, spec.by_name[name] if spec else None, number == 0)
    if not fields:
        yield _Line(finding, "", None, True)


def _code_lists(lines: list[_Line], standard: Standard) -> dict[str, tuple[Code, ...]]:
    used = dict.fromkeys(line.spec.code_list for line in lines if line.spec and line.spec.code_list)
    found = {name: standard.codes[name] for name in used if name}
    if reasons(standard) and any(line.finding.severity == ANSWERABLE for line in lines):
        found = {REASON_LIST: reasons(standard), **found}
    return found


def _write_lines(sheet: "Worksheet", looks: Looks, lines: list[_Line], standard: Standard) -> None:
    for place, (key, (text, width)) in enumerate(_COLUMNS.items()):
        sheet.set_column(place, place, width)
        colour = REQUIRED if key in _INPUTS else OPTIONAL if key in _MACHINE else CONDITIONAL
        sheet.write_string(0, place, text, looks.header(colour))
    can_answer = bool(reasons(standard))
    for row, line in enumerate(lines, start=1):
        _write_line(sheet, row, line, _cells(line, standard), looks, can_answer)
    last_row, last_place = max(len(lines), 1), len(_COLUMNS) - 1
    sheet.set_row(0, 2 * LINE_HEIGHT)
    sheet.freeze_panes(1, _PLACES["word"])
    sheet.autofilter(0, 0, last_row, last_place)
    sheet.protect("", {"autofilter": True, "format_columns": True, "format_rows": True})
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(0)
    sheet.activate()
    allow_text_numbers(sheet)


def _cells(line: _Line, standard: Standard) -> dict[str, str]:
    finding, field = line.finding, line.field
    others = "；".join(
        told_value(standard, finding.table, name, value) for name, value in finding.shown_values if name != field
    )
    return {
        "title": table_title(standard, finding.table).zh,
        "word": _phrase(SEVERITY_WORDS[finding.severity]),
        "label": f"{field_label(standard, finding.table, field)}\n{field}" if field else "—",
        "filed": visible(finding.values.get(field)) if field else "",
        "message": _both(finding.message),
        "remedy": _both(finding.remedy),
        "suggestion": visible(finding.suggestion) if finding.suggestion else "",
        "others": others,
        "key": visible(finding.key) if finding.key else "",
        "status": standing(finding, standard),
        "rule_id": finding.rule_id,
        "file": visible(finding.file) if finding.file else "",
        "table": finding.table,
        "field": field,
        "severity": finding.severity,
        "fingerprint": finding.fingerprint,
    }


def _write_line(
    sheet: "Worksheet", row: int, line: _Line, cells: Mapping[str, str], looks: Looks, can_answer: bool
) -> None:
    # what the lines of one finding have in common is said once in full, so that the eye sees where the next begins
    own = ("label", "filed")
    in_full = [key for key in cells if key not in _MACHINE] if line.is_first else own
    folded = max(lines_of(cells[key], _COLUMNS[key][1] - 1) for key in in_full)
    sheet.set_row(row, LINE_HEIGHT * min(folded, _MOST_LINES))
    edge: dict[str, Any] = {"top": 1, "top_color": _LINE} if line.is_first else {}
    plain = looks.of(text_wrap=True, num_format=TEXT_FORMAT, **edge)
    again = looks.of(text_wrap=True, num_format=TEXT_FORMAT, font_color=_SOFT)
    machine = looks.of(num_format=TEXT_FORMAT, font_color=_SOFT, **edge)
    for key, text in cells.items():
        if not text and not line.is_first:
            continue
        look = machine if key in _MACHINE else plain if line.is_first or key in own else again
        sheet.write_string(row, _PLACES[key], text[:LONGEST_CELL], look)
    if line.finding.row is not None:
        sheet.write_number(row, _PLACES["row"], line.finding.row, plain if line.is_first else again)
    else:
        sheet.write_blank(row, _PLACES["row"], None, plain)
    answerable = can_answer and line.finding.severity == ANSWERABLE and line.is_first
    for key, is_open in (("corrected", line.spec is not None), ("reason", answerable)):
        look = _input(looks, line.spec if key == "corrected" else None, edge) if is_open else _locked(looks, edge)
        sheet.write_blank(row, _PLACES[key], None, look)


def _input(looks: Looks, spec: FieldSpec | None, edge: Mapping[str, Any]) -> Any:
    form = number_format(spec) if spec else TEXT_FORMAT
    return looks.of(
        text_wrap=True, num_format=form, locked=False, bg_color=_INPUT, border=1, border_color=_LINE, **edge
    )


def _locked(looks: Looks, edge: Mapping[str, Any]) -> Any:
    return looks.of(bg_color=_LOCKED, **edge)


def _write_validations(sheet: "Worksheet", lines: list[_Line], places: Mapping[str, CodePlace]) -> None:
    """Drop-downs and checks of what is typed; they ask and never refuse, since a code or a blank may be meant."""
    cells: dict[str, tuple[dict[str, Any], list[int]]] = {}
    for row, line in enumerate(lines, start=1):
        if line.spec and (rule := validation(line.spec, places)):
            cells.setdefault(f"{line.finding.table}.{line.field}", (rule, []))[1].append(row)
    for rule, rows in cells.values():
        _validate(sheet, _PLACES["corrected"], rows, rule)
    if place := places.get(REASON_LIST):
        answerable = [row for row, line in enumerate(lines, 1) if line.is_first and line.finding.severity == ANSWERABLE]
        _validate(sheet, _PLACES["reason"], answerable, {"validate": "list", "source": place.formula})


def _validate(sheet: "Worksheet", place: int, rows: list[int], rule: dict[str, Any]) -> None:
    message = "与此栏的格式不同，仍要填写吗？Not in the form of this field. Keep it all the same?"
    others = [[row, place, row, place] for row in rows[1:MOST_VALIDATED]]
    sheet.data_validation(
        rows[0],
        place,
        rows[0],
        place,
        {**rule, "error_type": "warning", "error_message": message, **({"other_cells": others} if others else {})},
    )


def _write_marker(book: "Workbook", report: Report) -> None:
    """The hidden sheet by which the platform knows the worksheet, and the filing that it works on."""
    sheet = book.add_worksheet(MARKER_SHEET)
    filing = report.filing.model_dump(mode="json")
    told = {"filing_id": filing.get("filing_id"), "sha256": filing.get("sha256"), "verdict": report.verdict}
    for row, (key, text) in enumerate(told.items()):
        sheet.write_string(row, 0, key)
        sheet.write_string(row, 1, text or "")
    sheet.protect()
    sheet.hide()


def _both(text: Bilingual) -> str:
    return f"{visible(text.zh)}\n{visible(text.en)}"


def _phrase(text: Bilingual) -> str:
    return f"{text.zh} {text.en}"
