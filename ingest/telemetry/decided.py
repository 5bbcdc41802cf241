"""What is told of a filing that came to its verdict."""

from ingest import registry
from ingest.report.model import Report
from ingest.telemetry.lineage import Dataset, reads, writes
from ingest.telemetry.measures import count, seconds


def decided(record: registry.FilingRecord, report: Report) -> None:
    """Count the filing, its age and its findings; tell the rows that it brought into which zone."""
    count(f"npl.filings.{report.verdict}", 1)
    seconds(f"npl.filing_age.{report.verdict}", (registry.utc_now() - record.received_at).total_seconds())
    for severity, total in report.severity_totals().items():
        count(f"npl.findings.{severity}", total)
    reads("landing")
    for zone in ("accepted", "held"):
        rows = {table.table: getattr(table, zone) for table in report.tables}
        writes(*(Dataset(f"{zone}/{table}", number) for table, number in rows.items() if number))
