"""findings.csv: one line per finding listed in the report, for Excel and for scripts."""

import csv
import io

from ingest.report.cells import inert
from ingest.report.model import Finding, Report

BYTE_ORDER_MARK = "\ufeff"
"""Without it Excel reads UTF-8 as the system's code page and Chinese turns to rubbish."""

COLUMNS = (
    "severity",
    "rule_id",
    "rule_count",
    "category",
    "table",
    "file",
    "row",
    "key",
    "fields",
    "values",
    "message_zh",
    "message_en",
    "remedy_zh",
    "remedy_en",
    "suggestion",
    "fingerprint",
    "status",
    "answer",
)


def render(report: Report) -> bytes:
    """The findings, most severe first, as UTF-8 with a byte order mark.

    `rule_count` is the rule's true total, so a reader sees when not all of them are listed.
    """
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for group in report.groups():
        writer.writerows([inert(cell) for cell in _cells(finding, group.count)] for finding in group.findings)
    return (BYTE_ORDER_MARK + lines.getvalue()).encode()


def values_text(finding: Finding) -> str:
    """`cutoff_date=2025-08-01; signed_date=2025-07-15`: what was filed, in one cell."""
    return "; ".join(f"{field}={value or ''}" for field, value in finding.shown_values)


def _cells(finding: Finding, rule_count: int) -> list[str]:
    return [
        finding.severity,
        finding.rule_id,
        str(rule_count),
        finding.category,
        finding.table,
        finding.file or "",
        "" if finding.row is None else str(finding.row),
        finding.key or "",
        "; ".join(finding.fields),
        values_text(finding),
        finding.message.zh,
        finding.message.en,
        finding.remedy.zh,
        finding.remedy.en,
        finding.suggestion or "",
        finding.fingerprint,
        finding.status or "",
        finding.answer or "",
    ]
