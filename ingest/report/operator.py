"""The operator's page over all filings: state, answer, Great Expectations' pages. Needs no script and no network."""

import os
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import quote

from ingest import registry, registry_tables
from ingest.paths import home, write_text
from ingest.report.answer import REPORT_HTML
from ingest.report.html import template
from ingest.report.wording import STATE_WORDS

PAGE = "filings.html"


def write_operator_page() -> Path:
    """Write the page beside Great Expectations' own index; return where it lies."""
    page = home().data_docs / PAGE
    decided = {row["filing_id"]: row for row in registry.rows_of(registry_tables.decisions)}
    records = registry.all_filings()
    filings = [_line(record, decided.get(record.filing_id, {})) for record in reversed(records)]
    totals = sorted(Counter(record.state for record in records).items())
    write_text(page, template("operator.html.j2").render(filings=filings, totals=totals, words=STATE_WORDS))
    return page


def _line(record: registry.FilingRecord, decision: dict[str, Any]) -> dict[str, Any]:
    report = home().answer(record.folder, record.filing_id) / REPORT_HTML
    pages = sorted(home().data_docs.glob(f"validations/*/{record.filing_id}/*/*.html"))
    return {
        "id": record.filing_id,
        "state": record.state,
        "rows": decision.get("rows_filed", 0),
        "held": decision.get("rows_held", 0),
        "report": _link(report) if report.exists() else None,
        "pages": [(page.relative_to(home().data_docs).parts[1], _link(page)) for page in pages],
    }


def _link(target: Path) -> str:
    return quote(Path(os.path.relpath(target, home().data_docs)).as_posix())
