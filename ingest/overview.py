"""How the platform stands at a moment: what waits, what came of what was decided, who is late, what was slow.

Read from the registry, the inbox, the calendar, the log of steps and the releases; `npl status` and the operator's page
show it.
"""

import datetime
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from expectations.findings import mask
from expectations.spec import load_standard
from ingest import registry, registry_tables
from ingest.calendar import local_day, owed
from ingest.errors import legible
from ingest.receive import incomplete
from ingest.release import latest, list_releases, yanked
from ingest.standing import standings
from ingest.telemetry.steps import read_steps
from ingest.warehouse import is_current

WINDOW_DAYS = 7
LATE = ("missing", "overdue")

Seconds = float


@dataclass(frozen=True)
class Waiting:
    """A filing without a verdict; `tries` counts those that our own fault ended, `detail` is the last one's."""

    filing_id: str
    institution_id: str
    state: str
    age: Seconds
    tries: int
    detail: str | None


@dataclass(frozen=True)
class Arriving:
    """Something in an inbox that is not whole yet, since its last change."""

    folder: str
    name: str
    age: Seconds


@dataclass(frozen=True)
class Outcome:
    """Filings of one verdict decided in the window, and from receipt to verdict the middle and the longest."""

    verdict: str
    filings: int
    filings_ever: int
    median_age: Seconds | None
    longest_age: Seconds | None


@dataclass(frozen=True)
class Step:
    """How long one piece of work, or a step of one (`decide / judge`), took in the window."""

    name: str
    times: int
    failed: int
    total: Seconds
    median: Seconds
    longest: Seconds
    longest_of: str | None


@dataclass(frozen=True)
class Ran:
    """The last time that a piece of work was done."""

    work: str
    at: datetime.datetime
    outcome: str
    seconds: Seconds


@dataclass(frozen=True)
class Late:
    """Tables that one institution owes for a period and has not filed: `overdue` within grace, `missing` after it."""

    institution_id: str
    period: str
    status: str
    due_date: datetime.date
    tables: tuple[str, ...]
    days_late: int


@dataclass(frozen=True)
class Overview:
    """All of it; times are UTC without zone."""

    at: datetime.datetime
    waiting: Sequence[Waiting]
    arriving: Sequence[Arriving]
    outcomes: Sequence[Outcome]
    steps: Sequence[Step]
    ran: Sequence[Ran]
    late: Sequence[Late]
    latest_release: str | None
    latest_as_of: str | None
    releases: int
    yanked: int
    warehouse_is_current: bool


def overview(moment: datetime.datetime) -> Overview:
    """How the platform stands at a moment, UTC without zone.

    Raises:
        StorageError: the registry cannot be read.
    """
    states: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
    for row in registry.rows_of(registry_tables.states):
        states[row["filing_id"]].append(row)
    records = registry.all_filings()
    lines = list(read_steps(WINDOW_DAYS + 1))
    manifests = list_releases()
    newest = latest()
    return Overview(
        at=moment,
        waiting=_waiting(records, states, moment),
        arriving=_arriving(moment),
        outcomes=_outcomes(records, states, moment),
        steps=_steps(lines, moment),
        ran=_ran(lines),
        late=_late(moment),
        latest_release=newest,
        latest_as_of=next((each["as_of"] for each in manifests if each["release"] == newest), None),
        releases=len(manifests),
        yanked=sum(yanked(each["release"]) is not None for each in manifests),
        warehouse_is_current=is_current(),
    )


def _age(since: datetime.datetime, moment: datetime.datetime) -> Seconds:
    return (moment - since).total_seconds()


def _waiting(
    records: Iterable[registry.FilingRecord],
    states: Mapping[str, Sequence[Mapping[str, Any]]],
    moment: datetime.datetime,
) -> list[Waiting]:
    found = []
    for record in records:
        if record.state in registry.UNDECIDED:
            errors = [row for row in states[record.filing_id] if row["state"] == "error"]
            found.append(
                Waiting(
                    record.filing_id,
                    record.institution_id,
                    record.state,
                    _age(record.received_at, moment),
                    len(errors),
                    errors[-1]["detail"] if errors else None,
                )
            )
    return found


def _arriving(moment: datetime.datetime) -> list[Arriving]:
    standard = load_standard()
    return sorted(
        (
            Arriving(folder, mask(standard, legible(entry.name)) or "", _age(since, moment))
            for folder, entry, since in incomplete()
        ),
        key=lambda each: -each.age,
    )


def _outcomes(
    records: Iterable[registry.FilingRecord],
    states: Mapping[str, Sequence[Mapping[str, Any]]],
    moment: datetime.datetime,
) -> list[Outcome]:
    ever: Counter[str] = Counter()
    ages: dict[str, list[Seconds]] = defaultdict(list)
    for record in records:
        verdicts = [row for row in states[record.filing_id] if row["state"] in registry.DECIDED]
        if not verdicts:
            continue
        last = verdicts[-1]
        ever[last["state"]] += 1
        if _age(last["at"], moment) <= WINDOW_DAYS * 86_400:
            ages[last["state"]].append(_age(record.received_at, last["at"]))
    return [
        Outcome(
            verdict,
            len(ages[verdict]),
            ever[verdict],
            _median(ages[verdict]) if ages[verdict] else None,
            max(ages[verdict], default=None),
        )
        for verdict in registry.DECIDED
        if ever[verdict]
    ]


def _median(values: Iterable[Seconds]) -> Seconds:
    """The value in the middle, the lower of two: one that was measured."""
    ordered = sorted(values)
    return ordered[(len(ordered) - 1) // 2]


def _moment_of(line: Mapping[str, Any]) -> datetime.datetime:
    return datetime.datetime.fromisoformat(line["at"]).astimezone(datetime.UTC).replace(tzinfo=None)


def _steps(lines: Iterable[Mapping[str, Any]], moment: datetime.datetime) -> list[Step]:
    took: dict[str, list[tuple[Seconds, str | None]]] = defaultdict(list)
    failed: Counter[str] = Counter()
    for line in lines:
        if _age(_moment_of(line), moment) > WINDOW_DAYS * 86_400:
            continue
        took[line["work"]].append((line["seconds"], line["filing_id"]))
        failed[line["work"]] += line["outcome"] != "done"
        for name, seconds in line["steps"].items():
            took[f"{line['work']} / {name}"].append((seconds, line["filing_id"]))
    found = [
        Step(
            name,
            len(each),
            failed[name],
            sum(seconds for seconds, _ in each),
            _median(seconds for seconds, _ in each),
            *max(each, key=lambda one: one[0]),
        )
        for name, each in took.items()
    ]
    return sorted(found, key=lambda step: (-step.total, step.name))


def _ran(lines: Iterable[Mapping[str, Any]]) -> list[Ran]:
    last = {line["work"]: line for line in lines}
    found = [Ran(work, _moment_of(line), line["outcome"], line["seconds"]) for work, line in last.items()]
    return sorted(found, key=lambda each: each.at, reverse=True)


def _late(moment: datetime.datetime) -> list[Late]:
    day = local_day(moment)
    tables: dict[tuple[str, str, str, datetime.date], list[str]] = defaultdict(list)
    for standing in standings(owed(day), moment):
        if standing.status in LATE:
            each = standing.obligation
            tables[each.institution_id, each.period, standing.status, each.due_date].append(each.table_name)
    found = [
        Late(institution, period, status, due, tuple(sorted(names)), (day - due).days)
        for (institution, period, status, due), names in tables.items()
    ]
    return sorted(found, key=lambda each: (-each.days_late, each.institution_id, each.period))


def brief(seconds: Seconds) -> str:
    """A length of time as people say it: 42 s, 7 min, 3 h, 5 d."""
    for length, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.2g} s"
