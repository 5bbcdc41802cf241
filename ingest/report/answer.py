"""What stands in an institution's outbox for one filing."""

from pathlib import Path

from expectations.spec import Standard
from ingest.paths import write_bytes
from ingest.report import findings_csv, html, worksheet
from ingest.report.model import Report

REPORT_JSON = "report.json"
REPORT_HTML = "report.html"
FINDINGS_CSV = "findings.csv"
WORKSHEET_XLSX = "worksheet.xlsx"


def write_answer(folder: Path, report: Report, standard: Standard) -> None:
    """Write report.html, findings.csv, worksheet.xlsx and report.json into `folder`, each whole or not at all.

    report.json comes last: where it stands, the others do too. A report that asks for nothing has no worksheet. A rerun
    gives the same bytes.

    Raises:
        OSError: disk or permissions; the operator must act.
    """
    write_bytes(folder / REPORT_HTML, html.render(report, standard).encode())
    write_bytes(folder / FINDINGS_CSV, findings_csv.render(report))
    if report.groups_to_work_on():
        write_bytes(folder / WORKSHEET_XLSX, worksheet.render(report, standard))
    else:
        (folder / WORKSHEET_XLSX).unlink(missing_ok=True)
    write_bytes(folder / REPORT_JSON, report.to_json_bytes())
