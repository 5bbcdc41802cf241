"""The operator's pages: how the platform stands (the entrance), and all filings. No script, no network.

Great Expectations' pages lie beside them and lead back by `index.html`. Figures of the moment come from the registry
(`ingest.overview`), scores and rules from the warehouse's `quality` tables, as of its last build.
"""

import datetime
import os
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import duckdb

from expectations.spec import load_standard
from ingest import registry, registry_tables, telemetry
from ingest.doctor import FAULT, OK, examine
from ingest.overview import WINDOW_DAYS, Overview, brief, overview
from ingest.paths import home, write_text
from ingest.register import institution
from ingest.report.answer import REPORT_HTML
from ingest.report.cells import visible
from ingest.report.html import template
from ingest.report.wording import SEVERITY_WORDS, STATE_WORDS

PAGE = "operator.html"
FILINGS_PAGE = "filings.html"
INDEX = "index.html"
TO_FILINGS = f'<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0; url={FILINGS_PAGE}">\n'
MOST_SHOWN = 25
LATEST_FILINGS = 40

SCORES = """
    select institution_id, institution_name, quarter, score, timeliness_ratio, first_time_ratio
    from quality.institution_scores
    where score is not null and quarter = (select max(quarter) from quality.institution_scores where score is not null)
    order by score, institution_id limit ?"""
RULES = """
    select rule_id, severity, cast(sum(violations) as bigint) as violations,
        count(*) filter (where violations > 0) as filings
    from quality.rule_results
    where decided_at > ?
    group by rule_id, severity having sum(violations) > 0
    order by filings desc, violations desc, rule_id limit ?"""


def write_operator_page() -> Path:
    """Write both pages and tell the queue's measures; return where the entrance lies."""
    page = home().data_docs / PAGE
    found = overview(registry.utc_now())
    telemetry.queue(len(found.waiting), max((each.age for each in found.waiting), default=0.0))
    decided = {row["filing_id"]: row for row in registry.rows_of(registry_tables.decisions)}
    records = registry.all_filings()
    filings = [_line(record, decided.get(record.filing_id, {})) for record in reversed(records)]
    totals = sorted(Counter(record.state for record in records).items())
    listed = template("filings.html.j2").render(filings=filings, totals=totals, words=STATE_WORDS, entrance=PAGE)
    write_text(home().data_docs / FILINGS_PAGE, listed)
    write_text(home().data_docs / INDEX, TO_FILINGS)
    write_text(page, render(found, filings[:LATEST_FILINGS]))
    return page


def render(found: Overview, filings: Iterable[dict[str, Any]] = ()) -> str:
    """The entrance: what to do now, then queue, verdicts, who is late, what was slow, scores and rules."""
    findings = [each for each in examine() if each.state != OK]
    scores, rules = _quality(found.at)
    return template("operator.html.j2").render(
        found=found,
        findings=findings,
        has_fault=any(each.state == FAULT for each in findings),
        late_institutions=len({each.institution_id for each in found.late}),
        oldest=max((each.age for each in found.waiting), default=None),
        slowest=max((each.total for each in found.steps), default=0.0),
        scores=scores,
        rules=rules,
        filings=list(filings),
        all_filings=FILINGS_PAGE,
        words=STATE_WORDS,
        severities=SEVERITY_WORDS,
        name_of=_name_of,
        title_of=_title_of,
        visible=visible,
        brief=brief,
        window=WINDOW_DAYS,
        most=MOST_SHOWN,
    )


def _name_of(institution_id: str) -> str:
    known = institution(institution_id)
    return known["name_zh"] if known else ""


def _title_of(table: str) -> str:
    return load_standard().tables[table].title.zh


def _quality(moment: datetime.datetime) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The lowest scores of the latest quarter that has any, and the rules most broken in the window."""
    if not home().warehouse.exists():
        return [], []
    since = moment - datetime.timedelta(days=WINDOW_DAYS)
    with duckdb.connect(str(home().warehouse), read_only=True) as con:
        present = con.execute("select count(*) from duckdb_tables() where schema_name = 'quality'").fetchone()
        if not present or not present[0]:
            return [], []
        return _rows(con, SCORES, [MOST_SHOWN]), _rows(con, RULES, [since, MOST_SHOWN])


def _rows(con: duckdb.DuckDBPyConnection, query: str, values: list[Any]) -> list[dict[str, Any]]:
    cursor = con.execute(query, values)
    names = [column[0] for column in cursor.description or []]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


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
