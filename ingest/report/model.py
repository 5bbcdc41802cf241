"""The report as typed objects: exactly the JSON that `npl check --format json` prints and the outbox holds."""

from dataclasses import dataclass
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator

from expectations.spec import Bilingual, Category, Cell, Severity

Verdict = Literal["accepted", "accepted_with_holds", "rejected", "error", "unreadable"]
Status = Literal["new", "open"]

VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
SEVERITIES: tuple[Severity, ...] = get_args(Severity)
"""Most severe first, as the standard lists them."""

VERDICTS_WITH_PROBLEM: tuple[Verdict, ...] = ("error", "unreadable")
"""Nothing was judged: `problem` says why."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class StandardUsed(_Part):
    """The standard that judged: its version and the digest of all its bytes."""

    version: str
    sha256: str


class FilingIdentity(BaseModel):
    """Which filing this is about; null where an unreadable filing did not tell. Further keys are kept as given."""

    model_config = ConfigDict(extra="allow", frozen=True)

    institution: str | None = None
    subject: str | None = None
    period: str | None = None
    sequence: int | None = None
    kind: str | None = None
    sha256: str | None = None


class TableCount(_Part):
    """Rows of one table: as filed, accepted, held."""

    table: str
    rows: int = Field(ge=0)
    accepted: int = Field(ge=0)
    held: int = Field(ge=0)


class TableScore(_Part):
    """How complete one table is, `A1` to `D4`; null when it has no cell that is scored."""

    table: str
    score: str | None = Field(pattern=r"^[A-D][1-4]$")


class RuleCount(_Part):
    """A rule that found something; `count` is the true total, however many findings are listed."""

    rule_id: str
    severity: Severity
    category: Category
    count: int = Field(ge=1)


class Finding(_Part):
    """One place where one rule does not hold.

    `row` is the row number as filed (the header is row 1), null when the finding is about a whole table or filing.
    `values` maps a field to its text as filed, personal data already masked; the other side of a conflict stands
    there too. `status` says whether the filing that this one is compared with had the same finding; null when there is
    none to compare with, or not all of its findings are listed. `answer` is the code of the reason that the filer gave.
    """

    rule_id: str
    severity: Severity
    category: Category
    table: str
    file: str | None
    row: int | None
    key: str | None
    fields: tuple[str, ...]
    values: dict[str, Cell]
    message: Bilingual
    remedy: Bilingual
    suggestion: str | None
    fingerprint: str
    status: Status | None = None
    answer: str | None = None

    @property
    def shown_fields(self) -> tuple[str, ...]:
        """The fields the rule names, then whatever else stands in `values`, each once."""
        return tuple(dict.fromkeys((*self.fields, *self.values)))

    @property
    def shown_values(self) -> list[tuple[str, str | None]]:
        """Field and value as filed, for those fields whose value is told."""
        return [(field, self.values[field]) for field in self.shown_fields if field in self.values]


class FixedFinding(_Part):
    """A finding of the earlier filing that this one no longer has."""

    rule_id: str
    fingerprint: str


@dataclass(frozen=True)
class RuleGroup:
    """The findings of one rule: its true total and those that the report lists."""

    rule_id: str
    severity: Severity
    category: Category
    count: int
    findings: tuple[Finding, ...]

    def first(self, limit: int) -> tuple[Finding, ...]:
        return self.findings[:limit]

    def beyond(self, limit: int) -> int:
        """How many places are found but not among the first `limit`."""
        return self.count - len(self.first(limit))


class Report(_Part):
    """The whole answer to one filing; the order of the fields is the order of the keys in the JSON.

    `compared_with` is the filing that this one follows: against it findings are new, open or fixed. Of a rule with more
    findings than are listed, there or here, nothing is called fixed.
    """

    verdict: Verdict
    standard: StandardUsed
    filing: FilingIdentity
    tables: tuple[TableCount, ...]
    rules: tuple[RuleCount, ...]
    findings: tuple[Finding, ...]
    findings_total: int = Field(ge=0)
    problem: Bilingual | None = None
    completeness: tuple[TableScore, ...] = ()
    compared_with: str | None = None
    fixed_total: int | None = Field(default=None, ge=0)
    fixed: tuple[FixedFinding, ...] | None = None

    @model_validator(mode="after")
    def _problem_belongs_to_the_verdict(self) -> "Report":
        if (self.problem is not None) != (self.verdict in VERDICTS_WITH_PROBLEM):
            raise ValueError(f"`problem` is told with {' and '.join(VERDICTS_WITH_PROBLEM)}, and only then")
        return self

    def groups(self) -> list[RuleGroup]:
        """Every rule that found something, most severe first, then by id; findings keep the report's order."""
        by_rule: dict[str, list[Finding]] = {}
        for finding in self.findings:
            by_rule.setdefault(finding.rule_id, []).append(finding)
        groups = [
            RuleGroup(rule.rule_id, rule.severity, rule.category, rule.count, tuple(by_rule.get(rule.rule_id, ())))
            for rule in self.rules
        ]
        return sorted(groups, key=lambda group: (SEVERITIES.index(group.severity), group.rule_id))

    def groups_to_work_on(self) -> list[RuleGroup]:
        """The groups that ask the filer for something: all but notes."""
        return [group for group in self.groups() if group.severity != "info"]

    def severity_totals(self) -> dict[Severity, int]:
        """Places found per severity, most severe first, without those that found nothing."""
        totals = {
            severity: sum(rule.count for rule in self.rules if rule.severity == severity) for severity in SEVERITIES
        }
        return {severity: count for severity, count in totals.items() if count}

    @property
    def status_totals(self) -> dict[Status, int]:
        """Listed findings by status; empty when there is no filing to compare with."""
        if self.compared_with is None:
            return {}
        told = [finding.status for finding in self.findings]
        return {"open": told.count("open"), "new": told.count("new")}

    @property
    def unanswered_total(self) -> int:
        """Warnings for which no reason was given."""
        answered = sum(finding.answer is not None for finding in self.findings)
        return self.severity_totals().get("warn", 0) - answered

    def to_dict(self) -> dict[str, Any]:
        """The report as plain JSON values in the contract's key order; what is not known is left out."""
        return self.model_dump(mode="json", exclude=self._absent())

    def score_of(self, table: str) -> str | None:
        """How complete a table is; null when it was not scored."""
        return next((each.score for each in self.completeness if each.table == table), None)

    def to_json_bytes(self) -> bytes:
        """Canonical bytes: UTF-8, the contract's key order, indented by one, one newline at the end."""
        return (self.model_dump_json(indent=1, exclude=self._absent()) + "\n").encode()

    def _absent(self) -> set[str]:
        empty = {name for name in ("problem", "completeness") if not getattr(self, name)}
        return empty | ({"compared_with", "fixed_total", "fixed"} if self.compared_with is None else set())


def report_schema() -> dict[str, Any]:
    """The JSON Schema of a report, for publication."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **Report.model_json_schema()}
