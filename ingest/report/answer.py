"""What stands in an institution's outbox for one filing."""

from pathlib import Path

from expectations.spec import Standard
from ingest.paths import write_bytes
from ingest.report import findings_csv, html
from ingest.report.model import Report

REPORT_JSON = "report.json"
REPORT_HTML = "report.html"
FINDINGS_CSV = "findings.csv"


def write_answer(folder: Path, report: Report, standard: Standard) -> None:
    """Write report.html, findings.csv and report.json into `folder`, each whole or not at all.

    report.json comes last: where it stands, the others do too. A rerun gives the same bytes.

    Raises:
        OSError: disk or permissions; the operator must act.
    """
    write_bytes(folder / REPORT_HTML, html.render(report, standard).encode())
    write_bytes(folder / FINDINGS_CSV, findings_csv.render(report))
    write_bytes(folder / REPORT_JSON, report.to_json_bytes())
