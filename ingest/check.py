"""Checking a filing: read it, judge it, and say what was found. Filed or not, the same bytes get the same report."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from expectations import engine
from expectations.completeness import FieldCompleteness, completeness_of, score_of
from expectations.findings import SEVERITY_ORDER, findings_of, mask
from expectations.judge import Verdict, judge_directly, judging_order, recorded_results, type_filing
from expectations.spec import FILING_TABLE, Standard, StandardError, TableSpec, load_standard
from ingest import registry
from ingest.config import settings
from ingest.errors import FilingError, JudgeError
from ingest.manifest import period_bounds
from ingest.paths import home, scratch
from ingest.read import FiledContent, FiledTable, read_filing
from ingest.receive import content_digest, filing_id_of
from ingest.register import eligibility, institution, institution_names, institutions
from ingest.report.model import Report

REGISTERS = {
    "register_institutions": institutions,
    "register_names": institution_names,
    "register_eligibility": eligibility,
}
READ_ONCE_BYTES = 64 * 1024 * 1024


@dataclass
class Case:
    """One filing on the bench: its work database (open while the case is), its content and what was found."""

    standard: Standard
    report: Report
    con: duckdb.DuckDBPyConnection | None = None
    content: FiledContent | None = None
    results: Mapping[str, engine.TableResult] = field(default_factory=dict)
    completeness: Sequence[FieldCompleteness] = ()

    @property
    def verdict(self) -> str:
        return self.report.verdict

    @property
    def filed(self) -> list[str]:
        return [table.table for table in self.content.tables] if self.content else []


def check_path(path: Path, standard: Standard) -> Report:
    """The report that the platform would give on a filing, without filing it and without Great Expectations."""
    with checking(path, standard) as case:
        return case.report


@contextmanager
def checking(
    path: Path, standard: Standard, folder: str | None = None, record: registry.FilingRecord | None = None
) -> Iterator[Case]:
    """Check a filing and keep its work database open for whoever wants the rows.

    With a `record` (a filed filing) Great Expectations is the judge; without, the same pass judges directly.

    Raises:
        JudgeError: the judge broke; nothing can be said of the filing.
        StorageError: the operator must act.
    """
    sha256 = record.sha256 if record else content_digest(path)
    try:
        content = read_filing(path, standard)
    except FilingError as error:
        yield Case(standard, _unreadable(standard, error, path, sha256, folder))
        return
    with scratch() as work:
        database = work / "filing.duckdb"
        con = _connect(database)
        try:
            con.begin()  # one commit for some hundred small statements
            _fill(con, standard, content, folder or content.manifest.institution, sha256)
            con.commit()
            try:
                verdict, results, con = (
                    _judge_of_record(con, standard, content, database, record)
                    if record
                    else (*_direct(con, standard, content), con)
                )
                fields = [field for table in content.tables for field in completeness_of(con, standard, table.table)]
            except duckdb.Error as error:
                raise _judge_error(error) from error
            report = _report(con, standard, content, sha256, verdict, results, fields)
            yield Case(standard, report, con, content, results, fields)
        finally:
            con.close()


def _connect(database: Path) -> duckdb.DuckDBPyConnection:
    return engine.connect(str(database), settings().memory_limit, settings().threads)


def _judge_error(error: Exception) -> JudgeError:
    return JudgeError(
        "平台的检查程序出错，与报送内容无关。",
        "The platform's checks broke; this is not about the filing.",
        detail=f"{type(error).__name__}: {error}",
    )


def _direct(
    con: duckdb.DuckDBPyConnection, standard: Standard, content: FiledContent
) -> tuple[Verdict, Mapping[str, engine.TableResult]]:
    judgement = judge_directly(con, standard, [table.table for table in content.tables])
    return judgement.verdict, judgement.results


def _judge_of_record(
    con: duckdb.DuckDBPyConnection,
    standard: Standard,
    content: FiledContent,
    database: Path,
    record: registry.FilingRecord,
) -> tuple[Verdict, Mapping[str, engine.TableResult], duckdb.DuckDBPyConnection]:
    """Let Great Expectations judge the typed rows; its Checkpoint's verdict is the verdict."""
    from expectations.suites import JudgementFailedError, judge_with_expectations

    filed = [table.table for table in content.tables]
    type_filing(con, standard, filed)
    con.close()
    try:
        outcome = judge_with_expectations(
            standard, database, filed, record.filing_id, record.received_at, home().gx, home().data_docs
        )
    except JudgementFailedError as error:
        raise _judge_error(error) from error
    con = _connect(database)
    results = recorded_results(con, standard, filed)
    ours = {(table, rule.id): results[table].count(rule.id) for table in results for rule in standard.rules_of(table)}
    if ours != dict(outcome.counts):
        raise JudgeError(
            "检查程序与 Great Expectations 的计数不一致。", "The engine's counts and Great Expectations' differ."
        )
    return outcome.verdict, results, con


def _fill(con: duckdb.DuckDBPyConnection, standard: Standard, content: FiledContent, folder: str, sha256: str) -> None:
    """Put into the work database everything that the rules may look at."""
    manifest = content.manifest
    for name, shape in standard.head.references.items():
        if name in REGISTERS and name not in standard.registers:
            register = REGISTERS[name]()
            if unknown := [column for column in shape if column not in register.column_names]:
                raise StandardError(f"references: {name} has no column {', '.join(unknown)}")
            con.register("reference", register)
            con.execute(f"create table {name} as select {', '.join(shape)} from reference")
            con.unregister("reference")
    # rows accepted under another standard are no earlier rows of this one, even in a table of the same name
    ours = standard.head.name == load_standard().head.name
    # the same bytes filed already are this very filing: it is not compared with itself
    in_force = [each for each in registry.in_force() if each.sha256 != sha256] if ours else []
    for table in standard.tables:
        _accepted_view(con, standard.tables[table], [each for each in in_force if each.filing_id != manifest.replaces])
    for filed in content.tables:
        engine.load_rows(con, filed.table, filed.rows)
    if FILING_TABLE in standard.all_tables:
        replaced = registry.find(manifest.replaces) if manifest.replaces and ours else None
        engine.load_rows(con, FILING_TABLE, _filing_rows(standard, content, folder, in_force, replaced))
    first, last = period_bounds(manifest.period)
    filer = institution(manifest.institution)
    engine.prepare(
        con,
        standard,
        {
            "filing_institution": manifest.institution,
            "filing_institution_name": filer["name_zh"] if filer else None,
            "filing_subject": manifest.about,
            "filing_period_start": first.isoformat(),
            "filing_period_end": last.isoformat(),
        },
    )


def _accepted_view(con: duckdb.DuckDBPyConnection, spec: TableSpec, in_force: list[registry.FilingRecord]) -> None:
    zones = home()
    files = [
        zones.parquet(zones.accepted, spec.table, each.period or "", each.institution_id, each.filing_id)
        for each in in_force
    ]
    present = [file for file in files if file.exists()]
    if present:
        listed = ", ".join("'" + str(file).replace("'", "''") + "'" for file in present)
        # every rule across filings would open every file again: what is small is read once
        kind = "table" if sum(file.stat().st_size for file in present) <= READ_ONCE_BYTES else "view"
        con.execute(f"create table no_{spec.table} ({engine.accepted_ddl(spec)})")
        # rows accepted under an older standard lack the columns that came later
        con.execute(
            f"create {kind} accepted_{spec.table} as select * from no_{spec.table} union all by name "
            f"select * from read_parquet([{listed}], hive_partitioning = false, union_by_name = true)"
        )


def _filing_rows(
    standard: Standard,
    content: FiledContent,
    folder: str,
    in_force: list[registry.FilingRecord],
    replaced: registry.FilingRecord | None,
) -> pa.Table:
    """The system table `filing`: a row for each filed table, all text."""
    manifest = content.manifest
    theirs = replaced is not None and replaced.institution_id == manifest.institution
    same = next(
        (
            each.filing_id
            for each in in_force
            if each.institution_id == manifest.institution
            and each.subject_id == manifest.about
            and each.period == manifest.period
            and each.sequence == manifest.sequence
        ),
        None,
    )
    shared = {
        "institution": manifest.institution,
        "folder": folder,
        "subject": manifest.about,
        "period": manifest.period,
        "kind": manifest.kind,
        "replaces": manifest.replaces,
        "replaces_state": replaced.state if replaced and theirs else None,
        "same_sequence_filing": same,
        "declared_version": manifest.standard_version,
        "contact_channel": manifest.contact_channel,
    }
    declared = {entry.table: entry for entry in manifest.tables}
    rows = [shared | _table_row(standard.tables[table.table], table, declared) for table in content.tables] or [shared]
    names = [field.name for field in standard.all_tables[FILING_TABLE].fields if not field.name.startswith("held_")]
    columns = {name: pa.array([row.get(name) for row in rows], pa.string()) for name in names}
    return pa.table({"row_number": pa.array(range(1, len(rows) + 1), pa.int64()), **columns})


def _table_row(spec: TableSpec, table: FiledTable, declared: Mapping[str, Any]) -> dict[str, str | None]:
    entry = declared[table.table]
    filed = set(table.rows.column_names) - {"row_number"}
    missing = [field.zh for field in spec.fields if field.required and field.name not in filed]
    unknown = sorted(filed - set(spec.by_name))
    return {
        "file_name": table.file,
        "table_name": table.table,
        "read_rows": str(table.rows.num_rows),
        "declared_rows": None if entry.rows is None else str(entry.rows),
        "read_sha256": table.sha256,
        "declared_sha256": entry.sha256,
        "missing_columns": "、".join(missing) or None,
        "unknown_columns": "、".join(unknown) or None,
    }


def _report(
    con: duckdb.DuckDBPyConnection,
    standard: Standard,
    content: FiledContent,
    sha256: str,
    verdict: Verdict,
    results: Mapping[str, engine.TableResult],
    fields: Sequence[FieldCompleteness],
) -> Report:
    manifest = content.manifest
    files = {table.table: table.file for table in content.tables}
    rules: dict[str, dict[str, Any]] = {}
    findings: list[dict[str, Any]] = []
    for table in judging_order(standard, list(files)):
        for check, count in results[table].counts.items():
            if count:
                entry = rules.setdefault(
                    check.rule.id,
                    {
                        "rule_id": check.rule.id,
                        "severity": check.rule.severity,
                        "category": check.rule.category,
                        "count": 0,
                    },
                )
                entry["count"] += count
        findings += [
            finding.as_dict()
            for finding in findings_of(
                con, standard, results[table], files.get(table, "filing.json"), settings().findings_per_rule
            )
        ]
    _, last = period_bounds(manifest.period)
    return Report.model_validate(
        {
            "verdict": verdict,
            "standard": {"version": standard.version_on(last) or standard.latest_version, "sha256": standard.sha256},
            "filing": {
                "filing_id": filing_id_of(manifest, sha256),
                "institution": manifest.institution,
                "subject": manifest.about,
                "period": manifest.period,
                "sequence": manifest.sequence,
                "kind": manifest.kind,
                "replaces": mask(standard, manifest.replaces),
                "sha256": sha256,
            },
            "tables": [_kept(results[table], verdict) for table in files],
            "rules": sorted(rules.values(), key=lambda rule: (SEVERITY_ORDER.index(rule["severity"]), rule["rule_id"])),
            "findings": sorted(findings, key=lambda finding: SEVERITY_ORDER.index(finding["severity"])),
            "findings_total": sum(rule["count"] for rule in rules.values()),
            "completeness": [
                {"table": table, "score": score_of(each for each in fields if each.table == table)} for table in files
            ],
        }
    )


def _kept(result: engine.TableResult, verdict: str) -> dict[str, Any]:
    """Rows filed, accepted and held; a rejected filing leaves neither accepted nor held rows."""
    if verdict == "rejected":
        return {"table": result.table, "rows": result.rows, "accepted": 0, "held": 0}
    return {"table": result.table, "rows": result.rows, "accepted": result.rows - result.held, "held": result.held}


def problem_report(
    standard: Standard, verdict: str, error: FilingError | JudgeError, filing: Mapping[str, Any]
) -> Report:
    """The report on a filing that could not be read (`unreadable`) or that we failed to judge (`error`)."""
    return Report.model_validate(
        {
            "verdict": verdict,
            "problem": {"zh": mask(standard, error.zh), "en": mask(standard, error.en)},
            "standard": {"version": standard.latest_version, "sha256": standard.sha256},
            "filing": dict(filing),
            "tables": [],
            "rules": [],
            "findings": [],
            "findings_total": 0,
        }
    )


def _unreadable(standard: Standard, error: FilingError, path: Path, sha256: str, folder: str | None) -> Report:
    return problem_report(
        standard, "unreadable", error, {"institution": folder, "file": mask(standard, path.name), "sha256": sha256}
    )
