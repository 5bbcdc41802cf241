"""The filing calendar: which institution owes which table for which period, from when, and until when.

An institution owes a table for a period when, on the period's last day, it takes part in the platform
(participation.csv), exists (institutions.csv) and is of a type that owes the table (obligations.csv); and when an act
admitted its type, and its province, in the row's role on at least one day of the period (eligibility.csv).

No public text of a filing calendar was found: all of this is platform rule, as each row's `source` says. A table is
owed also for a period without business: the institution files it with its header and no rows (a nil return).

Dates are of China (`TIMEZONE`), which has kept one offset since 1991. The last moment of the due day is on time: the
moments, UTC, are the first ones of the day after it.
"""

import datetime
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from expectations.spec import load_standard
from ingest.errors import StandardError
from ingest.manifest import period_bounds
from ingest.register import eligibility, institutions, obligations, participation
from ingest.working_days import ONE_DAY, WorkingDays, load_working_days

TIMEZONE = ZoneInfo("Asia/Shanghai")
MONTHS_OF = {"month": 1, "quarter": 3}
ROLES = ("seller", "buyer", "any")
OPENINGS = ("period_start", "after_period")


@dataclass(frozen=True, order=True)
class Obligation:
    """One table that one institution owes for one period. Dates are China's, moments UTC without zone."""

    institution_id: str
    period: str
    table_name: str
    institution_type: str
    is_demo: bool
    frequency: str
    role: str
    period_start_date: datetime.date
    period_end_date: datetime.date
    opening_date: datetime.date
    due_date: datetime.date
    grace_date: datetime.date
    is_provisional: bool
    certainty: str
    source: str

    @property
    def opens_at(self) -> datetime.datetime:
        """The first moment at which a filing is not early."""
        return utc_start(self.opening_date)

    @property
    def due_before(self) -> datetime.datetime:
        """The first moment at which a filing is late."""
        return utc_start(self.due_date + ONE_DAY)

    @property
    def grace_before(self) -> datetime.datetime:
        """The first moment at which what was not filed is missing."""
        return utc_start(self.grace_date + ONE_DAY)


def utc_start(day: datetime.date) -> datetime.datetime:
    """The moment at which a day begins in China, UTC without zone."""
    midnight = datetime.datetime.combine(day, datetime.time.min, TIMEZONE)
    return midnight.astimezone(datetime.UTC).replace(tzinfo=None)


def local_day(moment: datetime.datetime) -> datetime.date:
    """The day in China of a moment, UTC without zone."""
    return moment.replace(tzinfo=datetime.UTC).astimezone(TIMEZONE).date()


def owed(until: datetime.date, institution_id: str | None = None) -> list[Obligation]:
    """Every obligation of a period that has begun by a day, by institution, period and table.

    Raises:
        StandardError: a register is broken; who keeps it must act.
    """
    return sorted(_Calendar().owed(until, institution_id))


def periods_between(frequency: str, first: datetime.date, last: datetime.date) -> Iterator[str]:
    """The months (`2026-10`) or quarters (`2026Q4`) that begin on or before `last` and end on or after `first`."""
    months = MONTHS_OF[frequency]
    number = (first.year * 12 + first.month - 1) // months
    while number * months <= last.year * 12 + last.month - 1:
        year, position = divmod(number, 12 // months)
        yield f"{year}-{position + 1:02}" if frequency == "month" else f"{year}Q{position + 1}"
        number += 1


def _holds_on(row: Mapping[str, Any], day: datetime.date) -> bool:
    return bool(row["valid_from"] <= day <= (row["valid_to"] or datetime.date.max))


class _Calendar:
    """The registers, read once, and the dates of each kind of obligation, reckoned once."""

    def __init__(self) -> None:
        self._days: WorkingDays = load_working_days()
        self._dates: dict[tuple[str, str, int, int], tuple[datetime.date, datetime.date, datetime.date, bool]] = {}

    @cached_property
    def _rows(self) -> dict[str, list[dict[str, Any]]]:
        by_type = defaultdict(list)
        for row in obligations().to_pylist():
            if (
                row["frequency"] not in MONTHS_OF
                or row["role"] not in ROLES
                or row["opens"] not in OPENINGS
                or row["due_working_day"] < 1
                or row["grace_working_days"] < 0
                or row["table_name"] not in load_standard().tables
            ):
                raise StandardError(f"obligations.csv: {row['institution_type']} {row['table_name']}: unknown value")
            by_type[row["institution_type"]].append(row)
        return by_type

    @cached_property
    def _acts(self) -> dict[tuple[str, str], list[dict[str, Any]]]:
        by_role = defaultdict(list)
        for row in eligibility().to_pylist():
            by_role[row["role"], row["institution_type"]].append(row)
        return by_role

    def owed(self, until: datetime.date, institution_id: str | None) -> Iterator[Obligation]:
        spans = defaultdict(list)
        for row in participation().to_pylist():
            spans[row["institution_id"]].append(row)
        for institution in institutions().to_pylist():
            if institution_id in (None, institution["institution_id"]):
                yield from self._owed_by(institution, spans[institution["institution_id"]], until)

    def _owed_by(
        self, institution: Mapping[str, Any], spans: Iterable[Mapping[str, Any]], until: datetime.date
    ) -> Iterator[Obligation]:
        taking_part = list(spans)
        if not taking_part:
            return
        since = min(row["valid_from"] for row in taking_part)
        for row in self._rows[institution["institution_type"]]:
            for period in periods_between(row["frequency"], max(since, row["valid_from"]), until):
                first, last = period_bounds(period)
                if (
                    _holds_on(row, last)
                    and _holds_on(institution, last)
                    and any(_holds_on(span, last) for span in taking_part)
                    and self._is_admitted(row["role"], institution, first, last)
                ):
                    yield self._obligation(institution, row, period)

    def _is_admitted(
        self, role: str, institution: Mapping[str, Any], first: datetime.date, last: datetime.date
    ) -> bool:
        """Whether an act lets the institution trade in a role on some day; a buyer in its own province is admitted."""
        if role == "any":
            return True
        return any(
            act["valid_from"] <= last
            and (first <= (act["valid_to"] or datetime.date.max) or self._goes_on(act))
            and (act["province_scope"] != "list" or institution["province_code"] in act["province_codes"].split(";"))
            for act in self._acts[role, institution["institution_type"]]
        )

    def _goes_on(self, act: Mapping[str, Any]) -> bool:
        """Whether nothing follows upon an act: the pilot's own extension says that it goes on until policy does.

        NPL-PKG-015 reads the register in the same way: after the last registered day of a business it warns only.
        """
        return bool(act["valid_to"] == self._last_days[act["role"], act["business"]])

    @cached_property
    def _last_days(self) -> dict[tuple[str, str], datetime.date]:
        """The last day of any act about a business, by role and business; one without an end lasts for ever."""
        ends: dict[tuple[str, str], datetime.date] = {}
        for act in eligibility().to_pylist():
            key = (act["role"], act["business"])
            ends[key] = max(ends.get(key, datetime.date.min), act["valid_to"] or datetime.date.max)
        return ends

    def _obligation(self, institution: Mapping[str, Any], row: Mapping[str, Any], period: str) -> Obligation:
        first, last = period_bounds(period)
        opening, due, grace, is_provisional = self._dates_of(
            period, row["opens"], row["due_working_day"], row["grace_working_days"]
        )
        return Obligation(
            institution_id=institution["institution_id"],
            period=period,
            table_name=row["table_name"],
            institution_type=institution["institution_type"],
            is_demo=institution["is_demo"],
            frequency=row["frequency"],
            role=row["role"],
            period_start_date=first,
            period_end_date=last,
            opening_date=opening,
            due_date=due,
            grace_date=grace,
            is_provisional=is_provisional,
            certainty=row["certainty"],
            source=row["source"],
        )

    def _dates_of(
        self, period: str, opens: str, due_working_day: int, grace_working_days: int
    ) -> tuple[datetime.date, datetime.date, datetime.date, bool]:
        key = (period, opens, due_working_day, grace_working_days)
        if key not in self._dates:
            first, last = period_bounds(period)
            due = self._days.after(last, due_working_day)
            grace = self._days.after(due, grace_working_days)
            opening = first if opens == "period_start" else last + ONE_DAY
            self._dates[key] = (opening, due, grace, not self._days.is_settled(grace))
        return self._dates[key]
