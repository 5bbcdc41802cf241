"""Checking a filing: read it, judge it, and say what was found. Filed or not, the same bytes get the same report."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from expectations import engine, work_database
from expectations.completeness import FieldCompleteness, completeness_of, score_of
from expectations.findings import SEVERITY_ORDER, findings_of, mask
from expectations.judge import Verdict, judge_typed, judging_order, recorded_results, type_filing
from expectations.spec import FILING_TABLE, Standard
from ingest import registry, telemetry
from ingest.config import settings
from ingest.errors import FilingError, JudgeError, legible
from ingest.history import Earlier, compared, earlier
from ingest.kept_work import KeptWork, is_small, kept_work
from ingest.landing import content_digest
from ingest.manifest import period_bounds
from ingest.paths import home, scratch
from ingest.read import FiledContent
from ingest.read.members import XLSX
from ingest.receive import filing_id_of
from ingest.report.model import Report
from ingest.workbench import InForce, ReadAnew, compare_with_in_force, fill, is_platforms_own
from ingest.worksheet import filed_content

IN_MEMORY_ROWS = 20_000
LIKELY_RATIO = 20  # of what a ZIP or a workbook unpacks to and itself


@dataclass
class Case:
    """One filing on the bench: its work database (open while the case is), its content and what was found."""

    standard: Standard
    report: Report
    con: duckdb.DuckDBPyConnection | None = None
    content: FiledContent | None = None
    results: Mapping[str, engine.TableResult] = field(default_factory=dict)
    completeness: Sequence[FieldCompleteness] = ()
    in_force: InForce = field(default_factory=ReadAnew)

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


@dataclass
class _Work:
    """A filing's work database with everything in it that the rules look at.

    `typed` are the tables whose rows are typed already, each with how complete it is.
    """

    database: work_database.WorkDatabase
    con: duckdb.DuckDBPyConnection
    typed: Mapping[str, Sequence[FieldCompleteness]]
    in_force: InForce


@contextmanager
def checking(
    path: Path,
    standard: Standard,
    folder: str | None = None,
    record: registry.FilingRecord | None = None,
    after: Sequence[str] = (),
) -> Iterator[Case]:
    """Check a filing and keep its work database open for whoever wants the rows.

    With a `record` (a filed filing) Great Expectations is the judge; without, the same pass judges directly. `after`
    are those that the same worker will decide next: what does not depend on their turn is done for all at once.

    Raises:
        JudgeError: the judge broke; nothing can be said of the filing.
        StorageError: the operator must act.
    """
    sha256 = record.sha256 if record else content_digest(path)
    with _spool(path) as spool, kept_work(standard) if record else nullcontext() as kept:
        if kept and record and after and not kept.has_looked_at(record.filing_id):
            with telemetry.step("ahead"):
                kept.type_ahead([record, *registry.undecided(after)])
        try:
            with telemetry.step("read"):
                content = (kept and folder and kept.read_ahead(folder, sha256)) or filed_content(
                    path, standard, folder, spool=spool
                )
        except FilingError as error:
            yield Case(standard, _unreadable(standard, error, path, sha256, folder))
            return
        folder = folder or content.manifest.institution
        with _work(content, standard, folder, sha256, kept) as work:
            con = work.con
            try:
                with telemetry.step("judge"):
                    verdict, results = (
                        _judge_of_record(work, standard, content, record)
                        if record
                        else _direct(work, standard, content)
                    )
                _refuse_lost_rows(content, results)
                with telemetry.step("report"):
                    fields = [
                        each
                        for name in (table.table for table in content.tables)
                        for each in work.typed.get(name) or completeness_of(con, standard, name)
                    ]
                    filing_id = record.filing_id if record else filing_id_of(content.manifest, sha256, folder)
                    report = _report(con, standard, content, sha256, folder, filing_id, verdict, results, fields)
            except duckdb.IOException:
                raise  # the disk's, not the judge's
            except duckdb.Error as error:
                raise _judge_error(error) from error
            yield Case(standard, report, con, content, results, fields, work.in_force)


@contextmanager
def _spool(path: Path) -> Iterator[Path | None]:
    """A folder for what is made while a big filing is read; a small one must not pay for it."""
    least = settings().stream_from_mb * 1_000_000
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    # a filing that is one file is a ZIP or a workbook, whatever it is called
    sizes = (
        file.stat().st_size * (LIKELY_RATIO if file == path or file.suffix.lower() == XLSX else 1) for file in files
    )
    if max(sizes, default=0) > least:
        with scratch() as folder:
            yield folder
    else:
        yield None


@contextmanager
def _work(
    content: FiledContent, standard: Standard, folder: str, sha256: str, kept: KeptWork | None
) -> Iterator[_Work]:
    """The worker's kept work database for a small filing, one of its own for any other."""
    if kept and is_small(content):
        with telemetry.step("load"):
            kept.con.begin()  # one commit for some hundred small statements
            typed = kept.put(content, folder, sha256)
            kept.con.commit()
        yield _Work(kept.database, kept.con, typed, kept.in_force)
        return
    with scratch() as place:
        database, in_force = _work_database(content, place), ReadAnew()
        con = database.connect()
        try:
            with telemetry.step("load"):
                con.begin()
                fill(con, standard, content, folder, sha256, in_force)
                con.commit()
            yield _Work(database, con, {}, in_force)
        finally:
            con.close()


def still_stands(case: Case, record: registry.FilingRecord) -> bool:
    """Whether an open case gets the same report when it is compared with what is in force now.

    Its rows stay as they were typed, and Great Expectations, which would say the same of the same counts, is not asked.

    Raises:
        JudgeError: the judge broke.
    """
    if case.con is None or case.content is None:
        return True
    try:
        case.con.begin()
        compare_with_in_force(case.con, case.standard, case.content, record.folder, record.sha256, case.in_force)
        work_database.unsettle(case.con, FILING_TABLE)  # whose rows were just made anew
        case.in_force.reach(case.con, case.standard, case.filed)
        again = judge_typed(case.con, case.standard, case.filed)
        case.con.commit()
        report = _report(
            case.con,
            case.standard,
            case.content,
            record.sha256,
            record.folder,
            record.filing_id,
            again.verdict,
            again.results,
            case.completeness,
        )
    except duckdb.IOException:
        raise
    except duckdb.Error as error:
        raise _judge_error(error) from error
    return report == case.report


def _work_database(content: FiledContent, work: Path) -> work_database.WorkDatabase:
    """A file for a big filing. A small one is gone before the disk has confirmed its some hundred statements."""
    rows = sum(table.rows.num_rows for table in content.tables)
    path = str(work / "filing.duckdb") if rows > IN_MEMORY_ROWS else f":memory:{work.name}"
    return work_database.WorkDatabase(path, settings().memory_limit, settings().threads, str(work / "spill"))


def _refuse_lost_rows(content: FiledContent, results: Mapping[str, engine.TableResult]) -> None:
    """Rows of a big file are counted by one reader and judged as another one reads them: they must be the same."""
    for table in content.tables:
        if results[table.table].rows != table.rows.num_rows:
            counts = f"{table.table}: {results[table.table].rows} / {table.rows.num_rows}"
            raise JudgeError(
                "两种读取方法得到的行数不一致。", "Two ways of reading the file disagree on its rows.", detail=counts
            )


def _judge_error(error: Exception) -> JudgeError:
    return JudgeError(
        "平台的检查程序出错，与报送内容无关。",
        "The platform's checks broke; this is not about the filing.",
        detail=f"{type(error).__name__}: {error}",
    )


def _direct(work: _Work, standard: Standard, content: FiledContent) -> tuple[Verdict, Mapping[str, engine.TableResult]]:
    filed = [table.table for table in content.tables]
    type_filing(work.con, standard, filed, work.typed)
    work.in_force.reach(work.con, standard, filed)
    judgement = judge_typed(work.con, standard, filed)
    return judgement.verdict, judgement.results


def _judge_of_record(
    work: _Work, standard: Standard, content: FiledContent, record: registry.FilingRecord
) -> tuple[Verdict, Mapping[str, engine.TableResult]]:
    """Let Great Expectations judge the typed rows; its Checkpoint's verdict is the verdict."""
    from expectations.suites import JudgementFailedError, judge_with_expectations

    filed = [table.table for table in content.tables]
    type_filing(work.con, standard, filed, work.typed)
    work.in_force.reach(work.con, standard, filed)
    try:
        outcome = judge_with_expectations(
            standard, work.database, filed, record.filing_id, record.received_at, home().gx
        )
    except JudgementFailedError as error:
        raise _judge_error(error) from error
    results = recorded_results(work.con, standard, filed)
    ours = {(table, rule.id): results[table].count(rule.id) for table in results for rule in standard.rules_of(table)}
    if ours != dict(outcome.counts):
        raise JudgeError(
            "检查程序与 Great Expectations 的计数不一致。", "The engine's counts and Great Expectations' differ."
        )
    return outcome.verdict, results


def _report(
    con: duckdb.DuckDBPyConnection,
    standard: Standard,
    content: FiledContent,
    sha256: str,
    folder: str,
    filing_id: str,
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
    before = earlier(manifest, folder, sha256) if is_platforms_own(standard) else Earlier()
    comparison = compared(findings, {rule_id: rule["count"] for rule_id, rule in rules.items()}, manifest, before)
    return Report.model_validate(
        {
            "verdict": verdict,
            "standard": {"version": standard.version_on(last) or standard.latest_version, "sha256": standard.sha256},
            "filing": {
                "filing_id": filing_id,
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
            **comparison,
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
        standard,
        "unreadable",
        error,
        {"institution": folder, "file": mask(standard, legible(path.name)), "sha256": sha256},
    )
