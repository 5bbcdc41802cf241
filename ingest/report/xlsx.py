"""The report as a workbook of two sheets: the verdict with its counts, and every finding listed."""

import datetime
import io
from typing import TYPE_CHECKING

from expectations.spec import Bilingual, Standard
from ingest.report.cells import visible
from ingest.report.model import Finding, Report
from ingest.report.rule_link import rule_link
from ingest.report.wording import (
    CATEGORY_WORDS,
    SEVERITY_WORDS,
    VERDICT_WORDS,
    comparison,
    filing_lines,
    next_steps,
    standing,
    statement,
    table_title,
    told_value,
)

if TYPE_CHECKING:
    from xlsxwriter import Workbook
    from xlsxwriter.worksheet import Worksheet

SUMMARY_SHEET = "结论"
FINDINGS_SHEET = "问题"
RULE_COLUMN = 1
MOST_LINKS = 65_000
"""Excel takes no more than 65,530 links on a sheet."""
LONGEST_CELL = 32_000
"""Excel refuses a cell of more than 32,767 characters."""

# A fixed date: the workbook's own would make every run's bytes differ.
_CREATED = datetime.datetime(2026, 1, 1)

_COLUMNS: tuple[tuple[str, int], ...] = (
    ("级别 Severity", 12),
    ("规则 Rule", 14),
    ("类别 Category", 14),
    ("表 Table", 20),
    ("文件 File", 24),
    ("行 Row", 8),
    ("主键 Key", 24),
    ("字段与报送值 Field and value as filed", 40),
    ("问题 What is wrong", 48),
    ("改法 How to fix", 48),
    ("建议 Suggestion", 24),
    ("状态 Status", 18),
    ("指纹 Fingerprint", 20),
)

Cell = str | int | None


def render(report: Report, standard: Standard) -> bytes:
    """The workbook's bytes. All text is written as text: a filed value is never a formula, link or number."""
    from xlsxwriter import Workbook

    buffer = io.BytesIO()
    workbook = Workbook(
        buffer, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    )
    workbook.set_properties({"created": _CREATED, "title": f"{SUMMARY_SHEET} {report.verdict}"})
    _write_summary(workbook, report, standard)
    _write_findings(workbook, report, standard)
    workbook.close()
    return buffer.getvalue()


def _write_summary(workbook: "Workbook", report: Report, standard: Standard) -> None:
    sheet = workbook.add_worksheet(SUMMARY_SHEET)
    plain = {"valign": "top", "text_wrap": True}
    body, heading = workbook.add_format(plain), workbook.add_format({**plain, "bold": True, "bottom": 1})
    title = workbook.add_format({**plain, "bold": True, "font_size": 18})
    sheet.set_column(0, 0, 30)
    sheet.set_column(1, 1, 64)
    sheet.set_column(2, 3, 16)
    blocks: list[tuple[tuple[Cell, ...], list[tuple[Cell, ...]]]] = [
        (
            ("现在要做什么 What to do now", None),
            [(number, _both(step)) for number, step in enumerate(next_steps(report, standard), start=1)],
        ),
        (
            ("报送信息 The filing", None),
            [
                *((f"{label.zh} {label.en}", visible(text)) for label, text in filing_lines(report.filing)),
                ("检查标准 Standard", f"{report.standard.version} {report.standard.sha256}"),
                *([("前次报送 Before", _both(compared))] if (compared := comparison(report)) else []),
            ],
        ),
        (
            ("表 Table", "报送行数 Rows filed", "接收 Accepted", "暂扣 Held"),
            [
                (f"{table_title(standard, table.table).zh} {table.table}", table.rows, table.accepted, table.held)
                for table in report.tables
            ],
        ),
        (
            ("规则 Rule", "级别与类别 Severity and category", "处数 Count"),
            [
                (
                    group.rule_id,
                    " · ".join(map(_phrase, (SEVERITY_WORDS[group.severity], CATEGORY_WORDS[group.category]))),
                    group.count,
                )
                for group in report.groups()
            ],
        ),
    ]
    _write_row(sheet, 0, (_phrase(VERDICT_WORDS[report.verdict]), _both(statement(report))), title, body)
    row = 2
    for head, lines in blocks:
        _write_row(sheet, row, head, heading, heading)
        for number, line in enumerate(lines, start=row + 1):
            _write_row(sheet, number, line, body, body)
        row += len(lines) + 2


def _write_findings(workbook: "Workbook", report: Report, standard: Standard) -> None:
    sheet = workbook.add_worksheet(FINDINGS_SHEET)
    body = workbook.add_format({"valign": "top", "text_wrap": True})
    heading = workbook.add_format(
        {"valign": "top", "text_wrap": True, "bold": True, "bg_color": "#E7EAEE", "bottom": 1}
    )
    for column, (text, width) in enumerate(_COLUMNS):
        sheet.set_column(column, column, width)
        sheet.write_string(0, column, text, heading)
    row = 0
    for group in report.groups():
        link = rule_link(standard, group.rule_id)
        for finding in group.findings:
            row += 1
            _write_row(sheet, row, _finding_cells(finding, standard), body, body)
            if link and link.zh and row <= MOST_LINKS:
                sheet.write_url(row, RULE_COLUMN, link.zh, body, finding.rule_id)
    last_row = max(row, 1)
    sheet.freeze_panes(1, 2)
    sheet.autofilter(0, 0, last_row, len(_COLUMNS) - 1)
    sheet.ignore_errors({"number_stored_as_text": f"A1:XFD{last_row + 1}"})
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(0)


def _finding_cells(finding: Finding, standard: Standard) -> tuple[Cell, ...]:
    values = "\n".join(told_value(standard, finding.table, field, value) for field, value in finding.shown_values)
    return (
        _phrase(SEVERITY_WORDS[finding.severity]),
        finding.rule_id,
        _phrase(CATEGORY_WORDS[finding.category]),
        f"{table_title(standard, finding.table).zh} {finding.table}",
        finding.file,
        finding.row,
        finding.key,
        values,
        _both(finding.message),
        _both(finding.remedy),
        finding.suggestion,
        standing(finding, standard),
        finding.fingerprint,
    )


def _write_row(sheet: "Worksheet", row: int, cells: tuple[Cell, ...], first: object, rest: object) -> None:
    """Our own counts as numbers, so that they sort; everything else as text."""
    for column, cell in enumerate(cells):
        style = first if column == 0 else rest
        if isinstance(cell, int):
            sheet.write_number(row, column, cell, style)
        elif cell is None:
            sheet.write_blank(row, column, None, style)
        else:
            sheet.write_string(row, column, cell[:LONGEST_CELL], style)


def _both(text: Bilingual) -> str:
    return f"{text.zh}\n{text.en}"


def _phrase(text: Bilingual) -> str:
    return f"{text.zh} {text.en}"
