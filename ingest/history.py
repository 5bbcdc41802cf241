"""What earlier filings of the same institution have to say on a filing: which findings are new, open or fixed, which
warnings were answered, and which still wait for an answer.

Only filings with a verdict count, and never the very bytes that are judged: so the report is the same before they are
filed and after.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from expectations.spec import FILING_TABLE, Standard
from ingest import registry
from ingest.config import settings
from ingest.manifest import Manifest
from ingest.reasons import ANSWERABLE
from ingest.registry_tables import answers, filings, findings, log_entries, rule_results

UNANSWERED_FIELD = "unanswered_warnings"
"""Of the table `filing`. A rule that looks at it warns of warnings: its own findings ask for no answer."""


@dataclass(frozen=True)
class Earlier:
    """The latest earlier try at the same filing, if there is one, and every reason that its institution ever gave.

    `rules` maps the fingerprint of each finding that its report listed to its rule; of the rules in `unlisted` there
    were more than the report lists. `reasons` maps fingerprint to reason code.
    """

    filing_id: str | None = None
    rules: Mapping[str, str] = field(default_factory=dict)
    unlisted: frozenset[str] = frozenset()
    reasons: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Unanswered:
    """Warnings of filings in force that were neither answered nor corrected.

    `filing_id` is the oldest such filing; `filings_since` counts the filings in force that were decided after it.
    """

    count: int = 0
    filing_id: str | None = None
    filings_since: int = 0


def earlier(manifest: Manifest, folder: str, sha256: str) -> Earlier:
    """What to compare a filing with that came through this folder: the last decided one of those that it follows.

    It follows the filing that it replaces, others that would replace the same, and those of its own sequence.
    """
    same = [filings.c.sequence == manifest.sequence]
    if manifest.replaces:
        same += [filings.c.filing_id == manifest.replaces, filings.c.replaces == manifest.replaces]
    with registry.transaction() as connection:
        reasons = {
            row.fingerprint: row.reason_code
            for row in connection.execute(
                sa.select(answers.c.fingerprint, answers.c.reason_code)
                .join(filings, filings.c.filing_id == answers.c.filing_id)
                .join(log_entries, log_entries.c.filing_id == answers.c.filing_id)
                .where(filings.c.institution_id == folder, filings.c.sha256 != sha256)
                .order_by(log_entries.c.position)
            )
        }
        filing_id = connection.execute(
            sa.select(filings.c.filing_id)
            .join(log_entries, log_entries.c.filing_id == filings.c.filing_id)
            .where(
                filings.c.institution_id == folder,
                filings.c.subject_id == manifest.about,
                filings.c.period == manifest.period,
                filings.c.sha256 != sha256,
                sa.or_(*same),
            )
            .order_by(log_entries.c.position.desc())
            .limit(1)
        ).scalar()
        if filing_id is None:
            return Earlier(reasons=reasons)
        listed = connection.execute(
            sa.select(findings.c.fingerprint, findings.c.rule_id).where(findings.c.filing_id == filing_id)
        )
        cut = connection.execute(
            sa.select(rule_results.c.rule_id).where(
                rule_results.c.filing_id == filing_id, rule_results.c.violations > settings().findings_per_rule
            )
        )
        return Earlier(
            filing_id,
            {row.fingerprint: row.rule_id for row in listed},
            frozenset(row.rule_id for row in cut),
            reasons,
        )


def compared(
    told: Iterable[dict[str, Any]], counts: Mapping[str, int], manifest: Manifest, before: Earlier
) -> dict[str, Any]:
    """Add `status` and `answer` to a report's findings, in place; return what the report says of the comparison.

    `counts` maps each rule that found something to its true total. Of a rule of which either list is cut, nothing is
    called new or fixed: what is not listed may well be there.
    """
    reasons = {**before.reasons, **{answer.fingerprint: answer.reason_code for answer in manifest.answers}}
    listed: dict[str, int] = {}
    present = set()
    for finding in told:
        fingerprint, rule_id = finding["fingerprint"], finding["rule_id"]
        present.add(fingerprint)
        listed[rule_id] = listed.get(rule_id, 0) + 1
        finding["answer"] = reasons.get(fingerprint) if finding["severity"] == ANSWERABLE else None
        if before.filing_id is not None:
            is_new = fingerprint not in before.rules
            finding["status"] = "open" if not is_new else None if rule_id in before.unlisted else "new"
    if before.filing_id is None:
        return {}
    unsure = before.unlisted | {rule_id for rule_id, count in counts.items() if count > listed.get(rule_id, 0)}
    fixed = [
        {"rule_id": rule_id, "fingerprint": fingerprint}
        for fingerprint, rule_id in before.rules.items()
        if fingerprint not in present and rule_id not in unsure
    ]
    fixed.sort(key=lambda one: (one["rule_id"], one["fingerprint"]))
    return {"compared_with": before.filing_id, "fixed_total": len(fixed), "fixed": fixed}


def rules_of_warnings(standard: Standard) -> set[str]:
    """The rules that warn of unanswered warnings; their own findings ask for no answer."""
    return {
        rule.id for rule in standard.rules.values() if rule.table == FILING_TABLE and UNANSWERED_FIELD in rule.fields
    }


def unanswered(
    standard: Standard, manifest: Manifest, folder: str, in_force: Iterable[registry.FilingRecord]
) -> Unanswered:
    """Warnings that wait for an answer in filings of this folder's institution about the same subject.

    `in_force` are the filings in force beside the one judged and the one that it replaces.
    """
    own = {each.filing_id for each in in_force if (each.institution_id, each.subject_id) == (folder, manifest.about)}
    if not own:
        return Unanswered()
    of_warnings = rules_of_warnings(standard)
    with registry.transaction() as connection:
        warned = connection.execute(
            sa.select(findings.c.filing_id, findings.c.fingerprint, findings.c.rule_id)
            .join(filings, filings.c.filing_id == findings.c.filing_id)
            .where(
                filings.c.institution_id == folder,
                filings.c.subject_id == manifest.about,
                findings.c.severity == ANSWERABLE,
            )
        ).all()
        answered = set(
            connection.execute(
                sa.select(answers.c.fingerprint)
                .join(filings, filings.c.filing_id == answers.c.filing_id)
                .where(filings.c.institution_id == folder)
            ).scalars()
        ) | {answer.fingerprint for answer in manifest.answers}
        in_order: Iterable[str] = connection.execute(
            sa.select(log_entries.c.filing_id)
            .join(filings, filings.c.filing_id == log_entries.c.filing_id)
            .where(filings.c.institution_id == folder, filings.c.subject_id == manifest.about)
            .order_by(log_entries.c.position)
        ).scalars()
        decided: list[str] = [filing_id for filing_id in in_order if filing_id in own]
    waiting = [
        row.filing_id
        for row in warned
        if row.filing_id in own and row.fingerprint not in answered and row.rule_id not in of_warnings
    ]
    if not waiting:
        return Unanswered()
    oldest = min(map(decided.index, set(waiting)))
    return Unanswered(len(waiting), decided[oldest], len(decided) - oldest - 1)
