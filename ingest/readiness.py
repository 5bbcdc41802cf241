"""Whether a release may go out: what was owed for the periods that have ended, who is not in, and until when one waits.

The registers and the calendar say who owes what (`ingest.calendar`), the registry what came (`ingest.standing`). A
release waits for the filings of a period until all are in or the grace day is over, which is the cut-off. Nobody waits
for an invented institution.
"""

import datetime
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ingest import registry
from ingest.calendar import local_day, owed, utc_start
from ingest.standing import NOT_FILED, UNDECIDED, Standing, standings
from ingest.working_days import ONE_DAY

COMPLETE, CUT_OFF, WAITING, OPEN = "complete", "cut_off", "waiting", "open"
"""All is in; the cut-off has passed; somebody is waited for; nobody is, before the cut-off, though not all is in (an
invented institution is not, or a table is past a grace day of its own)."""


@dataclass(frozen=True)
class NotFiled:
    """What one institution owes for one period and has not filed; `status` is the worst of its tables'."""

    institution: str
    period: str
    tables: tuple[str, ...]
    due_date: datetime.date
    grace_date: datetime.date
    status: str
    is_demo: bool

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "institution": self.institution,
            "period": self.period,
            "tables": list(self.tables),
            "due_date": self.due_date.isoformat(),
            "grace_date": self.grace_date.isoformat(),
            "status": self.status,
            "is_demo": self.is_demo,
        }


@dataclass(frozen=True)
class PeriodReadiness:
    """One period that has ended: how many institutions owe, which are not in, and what follows of it.

    `cutoff_at` (UTC) is the first moment at which nobody is waited for any more.
    """

    period: str
    cutoff_at: datetime.datetime
    due: int
    not_filed: tuple[NotFiled, ...]
    awaited: tuple[str, ...]
    decision: str

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "period": self.period,
            "decision": self.decision,
            "cutoff_at": self.cutoff_at.isoformat(timespec="seconds") + "Z",
            "institutions_due": self.due,
            "institutions_filed": self.due - len(self.not_filed),
            "not_filed": [each.to_dict() for each in self.not_filed],
            "awaited": list(self.awaited),
        }


def release_readiness(moment: datetime.datetime, period: str | None = None) -> list[PeriodReadiness]:
    """How every period that had ended by a moment (UTC) stands by the registry, or one of them; oldest first.

    Raises:
        StandardError: a register is broken; who keeps it must act.
    """
    wanted = [each for each in owed(local_day(moment)) if period in (None, each.period)]
    return readiness_of(standings(wanted, moment), moment)


def readiness_of(found: Iterable[Standing], moment: datetime.datetime) -> list[PeriodReadiness]:
    """The same of given standings."""
    periods: dict[str, list[Standing]] = defaultdict(list)
    for standing in found:
        if _has_ended(standing, moment):
            periods[standing.obligation.period].append(standing)
    told = [_of_period(period, stands, moment) for period, stands in periods.items()]
    return sorted(told, key=lambda each: (each.cutoff_at, each.period))


def not_filed_by(moment: datetime.datetime) -> list[NotFiled]:
    """What was owed for ended periods and not filed by a moment (UTC), by period and institution."""
    return [each for period in release_readiness(moment) for each in period.not_filed]


def _has_ended(standing: Standing, moment: datetime.datetime) -> bool:
    return utc_start(standing.obligation.period_end_date + ONE_DAY) <= moment


def _of_period(period: str, stands: list[Standing], moment: datetime.datetime) -> PeriodReadiness:
    owing: dict[str, list[Standing]] = defaultdict(list)
    for standing in stands:
        if standing.status in (*NOT_FILED, UNDECIDED):
            owing[standing.obligation.institution_id].append(standing)
    not_filed = tuple(_not_filed(name, period, tables) for name, tables in sorted(owing.items()))
    cutoff_at = max(standing.obligation.grace_before for standing in stands)
    awaited = tuple(
        sorted(
            name
            for name, tables in owing.items()
            if any(moment < each.obligation.grace_before and not each.obligation.is_demo for each in tables)
        )
    )
    return PeriodReadiness(
        period=period,
        cutoff_at=cutoff_at,
        due=len({standing.obligation.institution_id for standing in stands}),
        not_filed=not_filed,
        awaited=awaited,
        decision=_decision(bool(not_filed), bool(awaited), moment >= cutoff_at),
    )


def _decision(is_owing: bool, is_awaited: bool, is_cut_off: bool) -> str:
    if is_awaited:
        return WAITING
    if not is_owing:
        return COMPLETE
    return CUT_OFF if is_cut_off else OPEN


def _not_filed(institution: str, period: str, stands: list[Standing]) -> NotFiled:
    obligations = [standing.obligation for standing in stands]
    return NotFiled(
        institution=institution,
        period=period,
        tables=tuple(sorted(each.table_name for each in obligations)),
        due_date=min(each.due_date for each in obligations),
        grace_date=max(each.grace_date for each in obligations),
        status=max((standing.status for standing in stands), key=(UNDECIDED, *NOT_FILED).index),
        is_demo=obligations[0].is_demo,
    )


def partitions_of(filing_ids: Iterable[str]) -> list[str]:
    """The institutions and periods that these filings are about, each as `ICBC|2026-10`."""
    wanted = set(filing_ids)
    return sorted(
        {
            f"{record.subject_id}|{record.period}"
            for record in registry.all_filings()
            if record.filing_id in wanted and record.period
        }
    )
