"""What both filers of a deal are told once their rows were set side by side: as JSON, as a page, and as text."""

import datetime
from collections import Counter
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict

from expectations.spec import Bilingual, Standard
from ingest.report import wording
from ingest.report.cells import visible
from ingest.report.html import SHOWN_PER_RULE, template
from ingest.report.model import SEVERITIES, FilingIdentity, Finding, RuleGroup
from ingest.report.rule_link import rule_link

RECONCILIATION_JSON = "reconciliation.json"
RECONCILIATION_HTML = "reconciliation.html"

Status = Literal["disputed", "one_sided", "pending", "agreed"]
STATUSES: tuple[Status, ...] = get_args(Status)
"""What needs action first stands first."""

STATUS_WORDS: dict[Status, Bilingual] = {
    "disputed": Bilingual(zh="双方不一致", en="Disputed"),
    "one_sided": Bilingual(zh="对方未报送", en="One-sided"),
    "pending": Bilingual(zh="等待对方报送", en="Pending"),
    "agreed": Bilingual(zh="双方一致", en="Agreed"),
}

STATUS_MEANINGS: dict[Status, Bilingual] = {
    "disputed": Bilingual(
        zh="双方所报至少一项不同，平台暂用出让方数值",
        en="at least one value differs; until it is settled the seller's figures stand",
    ),
    "one_sided": Bilingual(
        zh="期限已过，只有贵方报送，数值未经核对",
        en="the time is over and only you have filed; nobody has confirmed your figures",
    ),
    "pending": Bilingual(zh="对方仍在期限内", en="the other side still has time"),
    "agreed": Bilingual(zh="双方均已报送，所比对的数值相同", en="both sides have filed, and what is compared is equal"),
}

_TO_COMPARE = Bilingual(
    zh="逐项按协议核对下列各处。平台不判定哪一方有误，对方也收到了同样的提示。",
    en="Compare each place below with the agreement. The platform does not say who is wrong; the other side was told "
    "the same.",
)
_TO_CORRECT = Bilingual(
    zh="贵方有误的，以“更正”（correction）报送全部数据，并注明本报送编号；贵方无误的，请留存依据并告知对方更正。",
    en="If you erred, file everything again as a correction that names this filing; if you did not, keep your evidence "
    "and ask the other side to correct.",
)
_TO_REMIND = Bilingual(
    zh="提醒对方报送“对方未报送”的各笔交易；对方已报的，请双方核对项目编号、签约日期和金额是否相同。",
    en="Remind the other side of every deal marked One-sided; if it has filed, compare project code, signing date and "
    "amounts with each other.",
)
_TO_WAIT = Bilingual(
    zh="“等待对方报送”的交易无需处理；等待至所列日期。",
    en="Nothing to do for deals marked Pending: they wait until the day given.",
)
_TO_KEEP = Bilingual(zh="无需处理，请留存本页。", en="Nothing to do. Please keep this page.")


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Deal(_Part):
    """One transfer row of the filing and how it stands; `counterparty` is whom this row names as the other side."""

    row: int
    key: str
    project_code: str
    side: Literal["seller", "buyer"]
    counterparty: str | None
    status: Status
    match_basis: Literal["project_code", "parties_date_amounts"] | None
    counterpart_due_date: datetime.date | None


class Difference(Finding):
    """A finding of one field in which the two sides differ; `fields` begins with it."""

    own_value: str
    other_value: str


class Reconciliation(_Part):
    """All transfers of one filing; the order of the fields is the order of the keys in the JSON."""

    filing: FilingIdentity
    totals: dict[Status, int]
    deals: tuple[Deal, ...]
    findings: tuple[Difference, ...]

    @property
    def worst(self) -> Status:
        """The status that the page is headed by."""
        return next(status for status in STATUSES if status in self.totals)

    def to_json_bytes(self) -> bytes:
        """Canonical bytes: UTF-8, indented by one, one newline at the end."""
        return (self.model_dump_json(indent=1) + "\n").encode()


def reconciliation_of(filing: FilingIdentity, deals: list[Deal], findings: list[Difference]) -> Reconciliation:
    """Deals (at least one) by need and row, findings by rule and row, counted."""
    counted = Counter(deal.status for deal in deals)
    return Reconciliation(
        filing=filing,
        totals={status: counted[status] for status in STATUSES if counted[status]},
        deals=tuple(sorted(deals, key=lambda deal: (STATUSES.index(deal.status), deal.row))),
        findings=tuple(
            sorted(findings, key=lambda each: (SEVERITIES.index(each.severity), each.rule_id, each.row or 0))
        ),
    )


def next_steps(reconciliation: Reconciliation) -> list[Bilingual]:
    """What the institution does now, in order; never empty."""
    steps = [_TO_COMPARE, _TO_CORRECT] if reconciliation.findings else []
    if "one_sided" in reconciliation.totals:
        steps.append(_TO_REMIND)
    if "pending" in reconciliation.totals:
        steps.append(_TO_WAIT)
    return steps or [_TO_KEEP]


def render_html(reconciliation: Reconciliation, standard: Standard) -> str:
    """The whole page, loading nothing else; at most `SHOWN_PER_RULE` deals, and as many places per rule."""
    groups = _groups(reconciliation)
    return template("reconciliation.html.j2").render(
        reconciliation=reconciliation,
        name=standard.head.title,
        words=STATUS_WORDS,
        meanings=STATUS_MEANINGS,
        wording=wording,
        visible=visible,
        label=lambda finding: wording.field_label(standard, finding.table, finding.fields[0]),
        steps=next_steps(reconciliation),
        filing=wording.filing_lines(reconciliation.filing),
        groups=groups,
        links={group.rule_id: rule_link(standard, group.rule_id) for group in groups},
        limit=SHOWN_PER_RULE,
    )


def render_text(reconciliation: Reconciliation) -> str:
    """What a terminal shows below the report; ends in a newline."""
    totals = reconciliation.totals.items()
    lines = [
        "",
        "双边核对 Two-sided reconciliation",
        "  " + "，".join(f"{STATUS_WORDS[status].zh} {count:,}" for status, count in totals),
        "  " + ", ".join(f"{count:,} {STATUS_WORDS[status].en.lower()}" for status, count in totals),
    ]
    for number, step in enumerate(next_steps(reconciliation), start=1):
        lines += [f"  {number}. {step.zh}", f"     {step.en}"]
    for deal in reconciliation.deals[:SHOWN_PER_RULE]:
        word, due = STATUS_WORDS[deal.status], deal.counterpart_due_date
        until = f" · 期限 due {due}" if due else ""
        lines.append(f"第 {deal.row} 行 row {deal.row} · {visible(deal.project_code)}：{word.zh} {word.en}{until}")
    for group in _groups(reconciliation):
        for finding in group.first(SHOWN_PER_RULE):
            lines += [
                f"{finding.rule_id} 第 {finding.row} 行 row {finding.row} · {visible(finding.key)}",
                f"  {visible(finding.message.zh)}{visible(finding.remedy.zh)}",
                f"  {visible(finding.message.en)} {visible(finding.remedy.en)}",
            ]
    return "\n".join(lines) + "\n"


def _groups(reconciliation: Reconciliation) -> list[RuleGroup]:
    by_rule: dict[str, list[Difference]] = {}
    for finding in reconciliation.findings:
        by_rule.setdefault(finding.rule_id, []).append(finding)
    return [
        RuleGroup(rule_id, found[0].severity, found[0].category, len(found), tuple(found))
        for rule_id, found in by_rule.items()
    ]
