"""`npl status` and `npl doctor`: how the platform stands, and what is wrong with it."""

import dataclasses
import datetime
import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ingest.cli_standard import EXIT_DONE, EXIT_FINDINGS, ListFormat
from ingest.errors import UsageError

if TYPE_CHECKING:
    from ingest.doctor import Finding
    from ingest.overview import Overview

MOST_LISTED = 20


def status(
    filing: Annotated[str | None, typer.Argument(help="报送编号 · filing id")] = None,
    all_filings: Annotated[bool, typer.Option("--all", help="逐一列出所有报送 · list every filing")] = False,
    format: Annotated[ListFormat, typer.Option()] = ListFormat.text,
) -> None:
    """平台状况；给出编号则为该报送的经过 · How the platform stands; with an id, the history of a filing."""
    from ingest import registry

    if filing is not None:
        _show_history(filing, format)
    elif all_filings:
        records = registry.all_filings()
        if format is ListFormat.json:
            _print_json(records)
        else:
            for record in records:
                typer.echo(f"{record.filing_id}\t{record.state}\t{_moment(record.received_at)}")
    else:
        from ingest.overview import overview

        found = overview(registry.utc_now())
        if format is ListFormat.json:
            _print_json(found)
        else:
            typer.echo("\n".join(_lines(found)))


def doctor(format: Annotated[ListFormat, typer.Option()] = ListFormat.text) -> None:
    """自检：版本、权限、磁盘、时钟、密钥、登记库、目录、日志 · What is wrong with the platform, and what to do."""
    from ingest.doctor import FAULT, examine

    findings = examine()
    if format is ListFormat.json:
        _print_json(findings)
    else:
        typer.echo("\n".join(_told(finding) for finding in findings))
    raise typer.Exit(EXIT_FINDINGS if any(each.state == FAULT for each in findings) else EXIT_DONE)


def _told(finding: "Finding") -> str:
    from ingest.doctor import OK, STATE_WORDS

    head = f"{STATE_WORDS[finding.state]}\t{finding.check}\t{finding.zh}\n\t\t{finding.en}"
    if finding.state == OK:
        return head
    return f"{head}\n\t\t→ {finding.advice_zh}\n\t\t→ {finding.advice_en}"


def _show_history(filing_id: str, format: ListFormat) -> None:
    from ingest import registry, registry_tables

    if registry.find(filing_id) is None:
        raise UsageError(f"登记库中没有报送 {filing_id}。", f"The registry has no filing {filing_id}.")
    rows = [row for row in registry.rows_of(registry_tables.states) if row["filing_id"] == filing_id]
    if format is ListFormat.json:
        _print_json([{key: row[key] for key in ("at", "state", "detail")} for row in rows])
        return
    for row in rows:
        typer.echo(f"{_moment(row['at'])}\t{row['state']}\t{row['detail'] or ''}".rstrip())


def _lines(found: "Overview") -> list[str]:
    from ingest.overview import WINDOW_DAYS, brief
    from ingest.report.wording import STATE_WORDS

    lines = [f"{_moment(found.at)}"]
    oldest = max((each.age for each in found.waiting), default=0.0)
    lines.append(f"待裁定 waiting: {len(found.waiting)}" + (f"，最久 oldest {brief(oldest)}" if found.waiting else ""))
    for waiting in found.waiting[:MOST_LISTED]:
        tried = f"\t出错 failed {waiting.tries} x: {waiting.detail}" if waiting.tries else ""
        lines.append(
            f"  {waiting.filing_id}\t{STATE_WORDS[waiting.state]} {waiting.state}\t{brief(waiting.age)}{tried}"
        )
    lines += _beyond(len(found.waiting))
    lines.append(f"上传未完 still arriving: {len(found.arriving)}")
    for arriving in found.arriving[:MOST_LISTED]:
        lines.append(f"  {arriving.folder}/{arriving.name}\t最后变动 last change {brief(arriving.age)} ago")
    lines += _beyond(len(found.arriving))
    lines.append(f"近 {WINDOW_DAYS} 天裁定 decided in {WINDOW_DAYS} days:")
    for outcome in found.outcomes:
        ages = (
            f"\t中位 median {brief(outcome.median_age)}，最长 longest {brief(outcome.longest_age)}"
            if outcome.median_age is not None and outcome.longest_age is not None
            else ""
        )
        words = STATE_WORDS[outcome.verdict]
        lines.append(f"  {words} {outcome.verdict}\t{outcome.filings}\t历来 ever {outcome.filings_ever}{ages}")
    lines.append("最近运行 last runs:")
    for ran in found.ran:
        outcome_words = "完成 done" if ran.outcome == "done" else "失败 failed"
        lines.append(f"  {ran.work}\t{_moment(ran.at)}\t{outcome_words}\t{brief(ran.seconds)}")
    lines.append(f"迟报 late: {len({each.institution_id for each in found.late})} 家机构 institutions")
    for late in found.late[:MOST_LISTED]:
        lines.append(
            f"  {late.institution_id}\t{late.period}\t{late.status}\t{late.days_late} 天 days\t{', '.join(late.tables)}"
        )
    lines += _beyond(len(found.late))
    lines.append(
        f"发布 releases: {found.releases}（已撤回 yanked {found.yanked}）\t最新 latest "
        f"{found.latest_release or '无 none'}\t截至 as of {found.latest_as_of or '-'}"
    )
    lines.append(
        "数据仓库 warehouse: "
        + ("已含全部裁定 holds all decisions" if found.warehouse_is_current else "待更新 out of date")
    )
    return lines


def _beyond(count: int) -> list[str]:
    return [f"  … {count - MOST_LISTED}"] if count > MOST_LISTED else []


def _moment(at: datetime.datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}Z"


def _print_json(told: Any) -> None:
    def plain(value: Any) -> Any:
        if isinstance(value, datetime.datetime):
            return value.isoformat(timespec="seconds") + "Z"
        if isinstance(value, datetime.date):
            return value.isoformat()
        return dataclasses.asdict(value)

    typer.echo(json.dumps(told, ensure_ascii=False, indent=1, default=plain))
