"""How each obligation stands at a moment: filed and when, or due, overdue or missing.

The warehouse's `quality.timeliness` says the same in SQL, of the moment of the last decision; a test holds the two
equal. This one asks the registry, so that reminders and `npl calendar` speak of today, also when nobody filed since.
"""

import datetime
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from ingest import registry
from ingest.calendar import Obligation
from ingest.registry_tables import rule_results

FILED = ("early", "on_time", "late_within_grace", "late")
NOT_FILED = ("not_yet_open", "not_yet_due", "overdue", "missing")
UNDECIDED = "undecided"

Filing = Mapping[str, Any]


@dataclass(frozen=True)
class Standing:
    """An obligation and its status; `filed_at` (UTC) is null while no accepted filing covers the table."""

    obligation: Obligation
    status: str
    filed_at: datetime.datetime | None


def standings(obligations: Iterable[Obligation], moment: datetime.datetime) -> list[Standing]:
    """How obligations stand by the registry at a moment, UTC without zone."""
    from ingest.warehouse import filing_facts

    with registry.transaction() as connection:
        carried = connection.execute(sa.select(rule_results.c.filing_id, rule_results.c.table_name).distinct()).all()
    return standings_of(obligations, filing_facts(set()), ((row.filing_id, row.table_name) for row in carried), moment)


def standings_of(
    obligations: Iterable[Obligation],
    filings: Iterable[Filing],
    carried: Iterable[tuple[str, str]],
    moment: datetime.datetime,
) -> list[Standing]:
    """The same of given filings (columns of the export `filings`) and the tables that each of them carries."""
    tables = defaultdict(set)
    for filing_id, table in carried:
        tables[filing_id].add(table)
    accepted: dict[tuple[str, str, str], list[Filing]] = defaultdict(list)
    waiting = set()
    for filing in filings:
        if filing["institution_id"] != filing["subject_id"] or filing["period"] is None:
            continue
        if filing["verdict"] in (None, "error"):
            waiting.add((filing["institution_id"], filing["period"]))
        if filing["known_from"] is not None:
            for table in tables[filing["filing_id"]]:
                accepted[filing["institution_id"], filing["period"], table].append(filing)
    found = []
    for each in obligations:
        filed_at = covered_since(accepted[each.institution_id, each.period, each.table_name])
        is_waiting = (each.institution_id, each.period) in waiting
        found.append(Standing(each, _status(each, filed_at, is_waiting, moment), filed_at))
    return found


def covered_since(accepted: Iterable[Filing]) -> datetime.datetime | None:
    """When the filing came since which there was always one in force, up to the present; null when none is now.

    A correction comes into force at the moment at which it ends what it corrects, so the original's time counts; a
    withdrawal ends the stretch unless another filing is in force.
    """
    since: datetime.datetime | None = None
    until: datetime.datetime | None = datetime.datetime.min
    for filing in sorted(accepted, key=lambda each: (each["known_from"], each["filing_id"])):
        if until is not None and filing["known_from"] > until:
            since = None
            until = datetime.datetime.min
        since = filing["received_at"] if since is None else min(since, filing["received_at"])
        if until is not None:
            until = None if filing["known_to"] is None else max(until, filing["known_to"])
    return since if until is None else None


def _status(
    obligation: Obligation, filed_at: datetime.datetime | None, is_waiting: bool, moment: datetime.datetime
) -> str:
    ends = (obligation.opens_at, obligation.due_before, obligation.grace_before)
    if filed_at is not None:
        return FILED[sum(end <= filed_at for end in ends)]
    return UNDECIDED if is_waiting else NOT_FILED[sum(end <= moment for end in ends)]
