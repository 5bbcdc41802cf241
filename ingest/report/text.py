"""The report as a terminal shows it: verdict, what to do, then which rule, where, what we saw; Chinese first."""

from expectations.spec import Bilingual, Standard
from ingest.report.cells import visible
from ingest.report.model import Finding, Report, RuleGroup
from ingest.report.rule_link import rule_link
from ingest.report.wording import (
    SEVERITY_WORDS,
    VERDICT_WORDS,
    comparison,
    filing_lines,
    next_steps,
    standing,
    statement,
    table_title,
    told_value,
)

SHOWN_PER_RULE = 20


def render(report: Report, standard: Standard) -> str:
    """The whole report as plain text, at most `SHOWN_PER_RULE` places per rule, with true totals; ends in a newline."""
    verdict, said = VERDICT_WORDS[report.verdict], statement(report)
    lines = [
        f"{verdict.zh} {verdict.en}",
        f"  {visible(said.zh)}",
        f"  {visible(said.en)}",
        "",
        "现在要做什么 What to do now",
    ]
    for number, step in enumerate(next_steps(report, standard), start=1):
        lines += [f"  {number}. {step.zh}", f"     {step.en}"]
    lines += ["", *_identity(report)]
    for table in report.tables:
        title = table_title(standard, table.table)
        lines.append(
            f"{title.zh} {table.table}："
            f"报送 {table.rows:,} 行，接收 {table.accepted:,}，暂扣 {table.held:,} · "
            f"{table.rows:,} filed, {table.accepted:,} accepted, {table.held:,} held"
        )
        if score := report.score_of(table.table):
            lines.append(f"  完整度 Completeness：{score}")
    for group in report.groups():
        lines += ["", *_rule(group, standard)]
    if report.problem is None:
        lines += ["", *_totals(report)]
    if compared := comparison(report):
        lines += [visible(compared.zh), visible(compared.en)]
    return "\n".join(lines) + "\n"


def _identity(report: Report) -> list[str]:
    told = [f"{label.zh} {label.en}：{visible(text)}" for label, text in filing_lines(report.filing)]
    return [*told, f"检查标准 Checked by：{report.standard.version} ({report.standard.sha256[:12]})"]


def _rule(group: RuleGroup, standard: Standard) -> list[str]:
    word = SEVERITY_WORDS[group.severity]
    lines = [f"── {word.zh} {word.en} · {group.rule_id} · 共 {group.count:,} 处 / {group.count:,} in all"]
    for finding in group.first(SHOWN_PER_RULE):
        lines += _finding(finding, standard)
    if more := group.beyond(SHOWN_PER_RULE):
        lines.append(f"  … 另有 {more:,} 处 / {more:,} more")
    if link := rule_link(standard, group.rule_id):
        lines.append(f"  详见 Read more：{link.zh or link.command}")
    return lines


def _finding(finding: Finding, standard: Standard) -> list[str]:
    row = "" if finding.row is None else f" 第 {finding.row} 行 row {finding.row}"
    where = " · ".join(visible(part) for part in (finding.file or finding.table, finding.key) if part)
    lines = [
        f"{finding.rule_id}{row} · {where}",
        f"  {visible(finding.message.zh)}{visible(finding.remedy.zh)}",
        f"  {visible(finding.message.en)} {visible(finding.remedy.en)}",
    ]
    unsaid = [(field, value) for field, value in finding.shown_values if not value or value not in finding.message.zh]
    if unsaid:
        told = (told_value(standard, finding.table, field, value) for field, value in unsaid)
        lines.append(f"  报送值 Filed：{'；'.join(told)}")
    if finding.suggestion:
        lines.append(f"  建议 Suggestion：{visible(finding.suggestion)}")
    if stands := standing(finding, standard):
        lines.append(f"  {stands}")
    return lines


def _totals(report: Report) -> list[str]:
    totals = report.severity_totals()
    if not totals:
        return ["没有发现问题 No findings"]
    words: list[tuple[Bilingual, int]] = [(SEVERITY_WORDS[severity], count) for severity, count in totals.items()]
    zh = "，".join(f"{word.zh} {count:,}" for word, count in words)
    en = ", ".join(f"{count:,} {word.en.lower()}" for word, count in words)
    return [f"合计 {report.findings_total:,} 处：{zh} · {report.findings_total:,} in all: {en}"]
