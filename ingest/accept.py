"""Deciding: judge a received filing, keep what passed, answer the filer, record the verdict. Safe to run again.

Order matters: rows first, then the answer, then the registry. Rows without a verdict in the registry count nowhere and
are written over by the next try; nobody is told of a verdict that was not answered.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from expectations.compile import Check, column_names, missing_reasons, quoted, sql_text, text_column
from expectations.completeness import FieldCompleteness
from expectations.engine import principal_of
from expectations.filed_rows import REASONS_COLUMN, is_long
from expectations.findings import mask
from expectations.spec import Standard, TableSpec, load_standard
from expectations.work_database import accepted_ddl
from ingest import registry, telemetry
from ingest.check import Case, checking, problem_report, still_stands
from ingest.config import settings
from ingest.errors import JudgeError, StorageError, cannot_write
from ingest.landing import intact_entry
from ingest.paths import Home, exclusive, file_digest, home, remove_temporaries, temporary_beside, write_text
from ingest.receipts.issue import write_receipt
from ingest.receipts.leaf import leaf_of
from ingest.redecisions import present
from ingest.report.answer import REPORT_JSON, write_answer
from ingest.report.model import Finding, Report

UNREADABLE = "unreadable"
PARQUET = "format parquet, compression zstd"


def decide(filing_id: str, after: Sequence[str] = ()) -> str:
    """Judge one filing with Great Expectations and act on the verdict; return it (the old one of a decided filing).

    `after` are those that this worker decides next; what does not depend on their turn is done for all at once.

    Raises:
        StorageError: disk or registry; trying again is safe.
    """
    try:
        # rows and answer are files: two workers at one filing would write over each other's
        with telemetry.work("decide", filing_id), exclusive(home().turn(filing_id)), registry.one_connection():
            state = _decide(_find(filing_id), load_standard(), after)
            if state in registry.FINAL:
                with telemetry.step("receipt"):
                    write_receipt(filing_id)
            return state
    except (OSError, duckdb.IOException) as error:
        raise cannot_write(error, getattr(error, "filename", None) or home().root) from error


def _find(filing_id: str) -> registry.FilingRecord:
    record = registry.find(filing_id)
    if record is None:
        raise StorageError(f"登记库中没有报送 {filing_id}。", f"The registry has no filing {filing_id}.")
    return record


def _decide(record: registry.FilingRecord, standard: Standard, after: Sequence[str]) -> str:
    if record.state in registry.FINAL or _waits(record):
        return record.state
    try:
        while not _judge_and_record(record, standard, after):
            pass  # another decision came in between: somebody got further, so this ends
        return _find(record.filing_id).state
    except JudgeError as error:
        report = problem_report(
            standard,
            "error",
            error,
            record.identity,
        )
        give_answer(record, report, standard)
        # a database that breaks on a cell quotes it
        registry.set_state(record.filing_id, "error", detail=(mask(standard, error.detail) or error.en)[:400])
        telemetry.decided(record, report)
        return "error"


def _waits(record: registry.FilingRecord) -> bool:
    """Whether it names a filing of the same institution that has no verdict yet: that one comes first."""
    named = registry.find(record.replaces) if record.replaces else None
    return named is not None and named.institution_id == record.institution_id and named.state in registry.UNDECIDED


def _judge_and_record(record: registry.FilingRecord, standard: Standard, after: Sequence[str]) -> bool:
    """Judge, keep, answer and record; false when what came into force meanwhile would change the report."""
    known_size = registry.log_size()
    entry = intact_entry(record.sha256)
    with checking(entry, standard, record.folder, record, after) as case:
        if case.content is not None:
            registry.set_state(record.filing_id, "read", "checked")
        with telemetry.step("keep"):
            keep_rows(case, record, home())
        with telemetry.step("answer"):
            give_answer(record, case.report, standard)
        decision = decision_of(record, case, known_size)
        while not registry.decide(record.filing_id, decision):
            known_size = registry.log_size()
            if not still_stands(case, record):
                return False
            decision = replace(decision, known_size=known_size)
        telemetry.decided(record, case.report)
        return True


def keep_rows(case: Case, record: registry.FilingRecord, zones: Home) -> None:
    """Write accepted and held rows of an accepted filing; of any other, leave none behind from an earlier try."""
    for spec in case.standard.tables.values():
        for zone in (zones.accepted, zones.held):
            target = zones.parquet(zone, spec.table, record.period or "", record.institution_id, record.filing_id)
            remove_temporaries(target.parent, target.name)
            if (
                case.verdict in registry.IN_FORCE
                and spec.table in case.filed
                and _rows_to_keep(case, spec, zone, zones)
            ):
                _write_rows(case, spec, record, target, "not in" if zone == zones.accepted else "in")
            else:
                target.unlink(missing_ok=True)


def _rows_to_keep(case: Case, spec: TableSpec, zone: Path, zones: Home) -> bool:
    result = case.results[spec.table]
    return result.held > 0 if zone == zones.held else result.rows > result.held


def _write_rows(case: Case, spec: TableSpec, record: registry.FilingRecord, target: Path, held: str) -> None:
    assert case.con is not None
    fields = ", ".join(f"filed.{field.name}" for field in spec.fields)
    order = "order by filed.row_number"
    columns = column_names(case.con, f"filed_{spec.table}")
    if REASONS_COLUMN in columns:
        source, reasons = f"filed_{spec.table} as filed", f"filed.{REASONS_COLUMN}"
        if held == "not in" and is_long(columns):
            # a long table's rows lie in their order, and to sort nearly all of them would take more than all the rest
            order = ""
    else:
        filed_columns = set(column_names(case.con, f"raw_{spec.table}"))
        texts = "".join(f", {quoted(name)} as {text_column(name)}" for name in sorted(filed_columns - {"row_number"}))
        raw = f"(select row_number{texts} from raw_{spec.table})"
        source = f"filed_{spec.table} as filed join {raw} as raw using (row_number)"
        reasons = missing_reasons(case.standard, spec, filed_columns)
    temporary = temporary_beside(target)
    with nullcontext() if order else _one_thread(case.con):
        case.con.execute(
            f"""
            copy (
                select ?::varchar as filing_id, ?::varchar as filing_institution, ?::varchar as filing_period,
                       filed.row_number,
                       standard_version, {fields}, {reasons} as missing_reasons
                from {source}
                where filed.row_number {held} (select row_number from held_{spec.table})
                {order}
            ) to {sql_text(str(temporary))} ({PARQUET})""",
            [record.filing_id, record.institution_id, record.period],
        )
    if not order:
        _refuse_disorder(case.con, temporary)
    temporary.replace(target)


@contextmanager
def _one_thread(con: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Two threads would write the rows that a join lets through as each of them comes to them."""
    con.execute("set threads = 1")
    try:
        yield
    finally:
        con.execute(f"set threads = {settings().threads}")


def _refuse_disorder(con: duckdb.DuckDBPyConnection, file: Path) -> None:
    numbers = f"select row_number, lag(row_number) over () as before from read_parquet({sql_text(str(file))})"
    astray = con.execute(f"select before, row_number from ({numbers}) where before >= row_number limit 1").fetchall()
    if astray:
        raise JudgeError(
            "写入的行次序有误。", "The rows were written out of order.", detail=f"{astray[0]} in {file.name}"
        )


def give_answer(record: registry.FilingRecord, report: Report, standard: Standard) -> None:
    """Write the report into the filer's outbox."""
    folder = home().answer(record.folder, record.filing_id)
    remove_temporaries(folder)
    write_answer(folder, report, standard)


def decision_of(record: registry.FilingRecord, case: Case, known_size: int) -> registry.Decision:
    """What is to be recorded of a case whose answer is written."""
    report = case.report
    verdict = "rejected" if report.verdict == UNREADABLE else report.verdict
    in_force = verdict in registry.IN_FORCE
    row = {
        "verdict": verdict,
        "standard_version": report.standard.version,
        "standard_sha256": case.standard.sha256,
        "report_sha256": file_digest(home().answer(record.folder, record.filing_id) / REPORT_JSON),
        "rows_filed": sum(table.rows for table in report.tables),
        "rows_accepted": sum(table.accepted for table in report.tables),
        "rows_held": sum(table.held for table in report.tables),
        **principal_kept(case, in_force),
    }
    return registry.Decision(
        row=row,
        leaf=leaf_of(record, row),
        known_size=known_size,
        rule_results=[
            _rule_result(table, case, rule_id, checks)
            for table in case.results
            for rule_id, checks in _by_rule(case.results[table].counts)
        ],
        completeness=[_field_result(field) for field in case.completeness],
        answers=[answer.model_dump() for answer in case.content.manifest.answers] if case.content else [],
        findings=list({finding.fingerprint: _finding_row(finding) for finding in report.findings}.values()),
        supersedes=_ended(record) if in_force and record.kind == "correction" else None,
        withdraws=_ended(record) if in_force and record.kind == "withdrawal" else None,
    )


def _ended(record: registry.FilingRecord) -> str | None:
    """What a correction or withdrawal ends: the filing that it names, under the id by which it is in force."""
    named = registry.find(record.replaces) if record.replaces else None
    return record.replaces if named is None else present(named).filing_id


def principal_kept(case: Case, in_force: bool) -> dict[str, Decimal]:
    """Principal filed, and of it accepted and held; a rejected filing leaves neither, as with rows."""
    sums = [principal_of(case.con, case.standard.tables[table]) for table in case.filed] if case.con else []
    filed, held = (sum(column, Decimal(0)) for column in zip(*sums, strict=True)) if sums else (Decimal(0), Decimal(0))
    return {
        "principal_filed_cny": filed,
        "principal_accepted_cny": filed - held if in_force else Decimal(0),
        "principal_held_cny": held if in_force else Decimal(0),
    }


def _finding_row(finding: Finding) -> dict[str, str]:
    return {"fingerprint": finding.fingerprint, "rule_id": finding.rule_id, "severity": finding.severity}


def _by_rule(checks: Iterable[Check]) -> list[tuple[str, list[Check]]]:
    rules: dict[str, list[Check]] = {}
    for check in checks:
        rules.setdefault(check.rule.id, []).append(check)
    return sorted(rules.items())


def _rule_result(table: str, case: Case, rule_id: str, checks: list[Check]) -> dict[str, Any]:
    result = case.results[table]
    rule = checks[0].rule
    return {
        "table_name": table,
        "rule_id": rule_id,
        "severity": rule.severity,
        "category": rule.category,
        "rows_judged": result.rows,
        "violations": sum(result.counts[check] for check in checks),
    }


def _field_result(field: FieldCompleteness) -> dict[str, Any]:
    return {
        "table_name": field.table,
        "field_name": field.field,
        "rows_filed": field.rows,
        "asked_count": field.asked,
        "nd1_count": field.nd1,
        "nd2_4_count": field.nd2_4,
        "nd5_count": field.nd5,
        "hidden_count": field.hidden,
        "blank_count": field.blank,
        "unexplained_count": field.unexplained,
    }


def write_empty_tables(standard: Standard) -> None:
    """For each table one Parquet file without rows: a reader of the zone always finds all of today's columns."""
    for spec in standard.tables.values():
        target = home().accepted / spec.table / "empty.parquet"
        remove_temporaries(target.parent)
        temporary = temporary_beside(target)
        with duckdb.connect(":memory:") as con:
            con.execute(f"create table nothing ({accepted_ddl(spec)})")
            con.execute(f"copy nothing to {sql_text(str(temporary))} ({PARQUET})")
        temporary.replace(target)


def publish_data_docs(filing_ids: list[str]) -> str:
    """Write Great Expectations' pages of these filings; return their folder."""
    from expectations.suites import pages_of

    for place, page in pages_of(home().gx, filing_ids):
        write_text(home().data_docs / place, page)
    return str(home().data_docs)
