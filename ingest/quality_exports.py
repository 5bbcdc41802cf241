"""What the quality tables need beside filings: the obligations with all their dates, the rules, and open warnings."""

import dataclasses
import datetime
from collections import defaultdict
from typing import Any

import pyarrow as pa

from expectations.spec import Standard
from ingest import registry, registry_tables
from ingest.calendar import local_day, owed
from ingest.history import rules_of_warnings
from ingest.reasons import ANSWERABLE

_OBLIGATIONS = pa.schema(
    [
        ("institution_id", pa.string()),
        ("period", pa.string()),
        ("table_name", pa.string()),
        ("institution_type", pa.string()),
        ("is_demo", pa.bool_()),
        ("frequency", pa.string()),
        ("role", pa.string()),
        ("period_start_date", pa.date32()),
        ("period_end_date", pa.date32()),
        ("opening_date", pa.date32()),
        ("due_date", pa.date32()),
        ("grace_date", pa.date32()),
        ("opens_at", pa.timestamp("us")),
        ("due_before", pa.timestamp("us")),
        ("grace_before", pa.timestamp("us")),
        ("is_provisional", pa.bool_()),
        ("certainty", pa.string()),
        ("source", pa.string()),
    ]
)
_RULES = pa.schema(
    [
        ("rule_id", pa.string()),
        ("table_name", pa.string()),
        ("severity", pa.string()),
        ("category", pa.string()),
        ("scope", pa.string()),
        ("state", pa.string()),
        ("since", pa.string()),
        ("until", pa.string()),
        ("since_date", pa.date32()),
        ("until_date", pa.date32()),
        ("message_zh", pa.string()),
        ("message_en", pa.string()),
    ]
)
_WARNINGS = pa.schema([("filing_id", pa.string()), ("warning_count", pa.int64()), ("answered_count", pa.int64())])


def obligations_table() -> pa.Table:
    """Every obligation of a period that has begun by the day of the last decision, which is the present of the models.

    What was decided last is all that the platform knows of the time, so the same filings give the same bytes.
    """
    present = last_decision()
    rows = [] if present is None else owed(local_day(present))
    return pa.Table.from_pylist(
        [
            {
                **dataclasses.asdict(each),
                "opens_at": each.opens_at,
                "due_before": each.due_before,
                "grace_before": each.grace_before,
            }
            for each in rows
        ],
        schema=_OBLIGATIONS,
    )


def last_decision() -> datetime.datetime | None:
    """The moment of the last verdict, UTC; null before the first."""
    times = (row["at"] for row in registry.rows_of(registry_tables.states) if row["state"] in registry.DECIDED)
    return max(times, default=None)


def rules_table(standard: Standard) -> pa.Table:
    """Every rule of the standard, with the days of the versions in which it is in force; a null `until_date` is open.

    A rule has no title: what it says when it is broken stands for one, its placeholders left in.
    """
    versions = {version.version: version for version in standard.head.versions}
    rows = [
        {
            **{name: getattr(rule, name) for name in ("severity", "category", "scope", "state", "since", "until")},
            "rule_id": rule.id,
            "table_name": rule.table,
            "since_date": versions[rule.since].valid_from,
            "until_date": versions[rule.until].valid_to if rule.until else None,
            "message_zh": rule.message.zh,
            "message_en": rule.message.en,
        }
        for rule in standard.rules.values()
    ]
    return pa.Table.from_pylist(sorted(rows, key=lambda row: row["rule_id"]), schema=_RULES)


def warnings_table(standard: Standard) -> pa.Table:
    """One row per filing with warnings that ask for an answer: how many its report lists, and how many have a reason.

    A reason that the institution gave in any filing answers the same finding everywhere, as in its reports.
    """
    institution = {record.filing_id: record.institution_id for record in registry.all_filings()}
    reasons: dict[str, set[str]] = defaultdict(set)
    for row in registry.rows_of(registry_tables.answers):
        reasons[institution[row["filing_id"]]].add(row["fingerprint"])
    asks_for_none = rules_of_warnings(standard)
    counts: dict[str, dict[str, Any]] = {}
    for row in registry.rows_of(registry_tables.findings):
        if row["severity"] == ANSWERABLE and row["rule_id"] not in asks_for_none:
            filing_id = row["filing_id"]
            count = counts.setdefault(filing_id, {"filing_id": filing_id, "warning_count": 0, "answered_count": 0})
            count["warning_count"] += 1
            count["answered_count"] += row["fingerprint"] in reasons[institution[filing_id]]
    return pa.Table.from_pylist([counts[each] for each in sorted(counts)], schema=_WARNINGS)
