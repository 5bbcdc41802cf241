"""The report as one HTML file that loads nothing else: no script, font or image. It may link to the handbook."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from expectations.spec import Bilingual, Standard
from ingest.report import wording
from ingest.report.cells import visible
from ingest.report.model import Finding, Report, RuleGroup
from ingest.report.rule_link import RuleLink, rule_link

if TYPE_CHECKING:
    from jinja2 import Template

TEMPLATES_DIR = Path(__file__).parent / "templates"
SHOWN_PER_RULE = 1000
SHOWN_IN_FULL = 10
"""Of these places the page prints message and labels; the rest follow as bare rows, folded: a page of 100 rules with
1,000 places each must still open in a browser."""
MOST_VALUE_COLUMNS = 6


@dataclass(frozen=True)
class _Rest:
    """The places after the first ones. `fields` are their columns, none where places differ in their fields."""

    findings: tuple[Finding, ...]
    fields: tuple[str, ...]
    has_files: bool
    has_keys: bool
    has_standing: bool


@dataclass(frozen=True)
class _Section:
    """One rule's findings as the page shows them; a text that all of them share is said once, above the rows."""

    group: RuleGroup
    in_full: tuple[Finding, ...]
    rest: _Rest | None
    more: int
    message: Bilingual | None
    remedy: Bilingual | None
    has_suggestions: bool
    source: str
    link: RuleLink | None


def render(report: Report, standard: Standard) -> str:
    """The whole page, at most `SHOWN_PER_RULE` places per rule; the same report gives the same text."""

    def label(table: str, field: str) -> str:
        return wording.field_label(standard, table, field)

    def told_values(finding: Finding) -> str:
        told = (wording.told_value(standard, finding.table, field, value) for field, value in finding.shown_values)
        return "；".join(told)

    return template("report.html.j2").render(
        report=report,
        wording=wording,
        visible=visible,
        label=label,
        told_values=told_values,
        standing=lambda finding: wording.standing(finding, standard),
        compared=wording.comparison(report),
        name=standard.head.title,
        verdict=wording.VERDICT_WORDS[report.verdict],
        said=wording.statement(report),
        steps=wording.next_steps(report, standard),
        filing=wording.filing_lines(report.filing),
        tables=[(count, wording.table_title(standard, count.table)) for count in report.tables],
        totals=report.severity_totals(),
        sections=[_section(group, standard) for group in report.groups()],
    )


def _section(group: RuleGroup, standard: Standard) -> _Section:
    shown = group.first(SHOWN_PER_RULE)
    rule = standard.rules.get(group.rule_id)
    return _Section(
        group=group,
        in_full=shown[:SHOWN_IN_FULL],
        rest=_rest(shown),
        more=group.beyond(SHOWN_PER_RULE),
        message=_shared(shown, lambda finding: finding.message),
        remedy=_shared(shown, lambda finding: finding.remedy),
        has_suggestions=any(finding.suggestion for finding in shown),
        source=rule.source if rule else "",
        link=rule_link(standard, group.rule_id),
    )


def _rest(shown: tuple[Finding, ...]) -> _Rest | None:
    rest = shown[SHOWN_IN_FULL:]
    if not rest:
        return None
    fields = rest[0].shown_fields
    same = len(fields) <= MOST_VALUE_COLUMNS and all(finding.shown_fields == fields for finding in rest)
    return _Rest(
        findings=rest,
        fields=fields if same else (),
        has_files=len({finding.file for finding in shown}) > 1,
        has_keys=any(finding.key for finding in rest),
        has_standing=any(finding.status or finding.answer for finding in rest),
    )


def _shared(findings: tuple[Finding, ...], text_of: Callable[[Finding], Bilingual]) -> Bilingual | None:
    """The text that all findings have in common; null when they differ."""
    texts = {(text_of(finding).zh, text_of(finding).en) for finding in findings}
    return text_of(findings[0]) if len(texts) == 1 else None


@lru_cache(maxsize=4)
def template(name: str) -> "Template":
    """A page template of this folder; whatever is put into it is escaped, and a name it does not know is an error."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(TEMPLATES_DIR),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(name)
