"""What the standard of today says of filings in force that were decided under another one. Nothing is changed by it."""

import datetime
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import sqlalchemy as sa

from expectations.compile import column_names, quoted, sql_text
from expectations.spec import Standard, load_standard
from ingest import registry
from ingest.accept import keep_rows, principal_kept
from ingest.check import Case, checking
from ingest.errors import JudgeError, StandardError, UsageError
from ingest.landing import intact_entry
from ingest.manifest import period_bounds
from ingest.paths import Home, home, scratch
from ingest.registry import FilingRecord
from ingest.registry_tables import decisions

APPLIED, OVERTAKEN, OTHERWISE = "applied", "overtaken", "otherwise"
"""What comes of deciding a filing anew: done; no longer in force; not what was foretold, so left as it is."""
VERDICT, ROWS, SAME = "verdict", "rows", "same"
"""What would change: the verdict; the same verdict on other rows; nothing that anybody reads."""
Watch = Callable[[list[FilingRecord]], Iterable[FilingRecord]]


@dataclass(frozen=True)
class Side:
    """A decision as far as figures depend on it."""

    verdict: str
    rows_accepted: int
    rows_held: int
    principal_accepted_cny: Decimal

    def to_dict(self) -> dict[str, Any]:
        """As JSON values; the amount is text, so that no digit is lost."""
        return asdict(self) | {"principal_accepted_cny": f"{self.principal_accepted_cny:.2f}"}


@dataclass(frozen=True)
class Outcome:
    """One filing in force: what was decided, under which standard, and what would be decided today."""

    filing_id: str
    institution: str
    period: str
    standard_before: str
    before: Side
    after: Side
    change: str

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self) | {"before": self.before.to_dict(), "after": self.after.to_dict()}


def candidates(standard: Standard, period: str | None) -> list[FilingRecord]:
    """Filings in force with rows that another standard decided, oldest first.

    `period` (`2026-10`, `2026Q4`) takes those filed for it; a month that ends a quarter takes the quarter's as well.

    Raises:
        UsageError: that is no period.
    """
    last = None if period is None else last_day(period)
    with registry.transaction() as connection:
        other = {
            row.filing_id
            for row in connection.execute(
                sa.select(decisions.c.filing_id).where(decisions.c.standard_sha256 != standard.sha256)
            )
        }
    return [
        record
        for record in registry.in_force()
        if record.filing_id in other
        and record.kind != "withdrawal"
        and record.period is not None
        and (period in (None, record.period) or (_is_month(period) and period_bounds(record.period)[1] == last))
    ]


def outcomes(period: str | None = None, watched: Watch = iter) -> Iterator[Outcome]:
    """What would become of each candidate by what is in force when its turn comes; `watched` may show progress.

    Raises:
        StandardError: the standard breaks on a filing; we must act.
        UsageError: that is no period.
    """
    standard = load_standard()
    found = candidates(standard, period)
    decided = {row["filing_id"]: row for row in registry.rows_of(decisions)}
    return (_outcome(record, decided[record.filing_id], standard) for record in watched(found))


def side_of(case: Case) -> Side:
    """What a judged case comes to. One that can't be read any more counts as rejected, as it did when it was filed."""
    in_force = case.verdict in registry.IN_FORCE
    tables = case.report.tables if in_force else []
    return Side(
        verdict=case.verdict if in_force else "rejected",
        rows_accepted=sum(table.accepted for table in tables),
        rows_held=sum(table.held for table in tables),
        principal_accepted_cny=principal_kept(case, in_force)["principal_accepted_cny"],
    )


def _is_month(period: str | None) -> bool:
    return period is not None and re.fullmatch(r"\d{4}-\d{2}", period) is not None


def last_day(period: str) -> datetime.date:
    """The last day of a period.

    Raises:
        UsageError: that is none.
    """
    try:
        return period_bounds(period)[1]
    except ValueError as error:
        raise UsageError(
            f"{period} 不是报送期（2026-10 或 2026Q4）。", f"{period} is no period (2026-10 or 2026Q4)."
        ) from error


def _outcome(record: FilingRecord, decision: dict[str, Any], standard: Standard) -> Outcome:
    names = ("verdict", "rows_accepted", "rows_held", "principal_accepted_cny")
    before = Side(**{name: decision[name] for name in names})
    try:
        with checking(intact_entry(record.sha256), standard, record.folder) as case:
            after = side_of(case)
            change = VERDICT if after.verdict != before.verdict else SAME
            if change == SAME and (after != before or not _same_rows(case, record)):
                change = ROWS
    except JudgeError as error:
        raise StandardError(f"{record.filing_id}: {error.zh} / {error.en} {error.detail}") from error
    assert record.period is not None
    return Outcome(
        record.filing_id, record.institution_id, record.period, decision["standard_sha256"], before, after, change
    )


def _same_rows(case: Case, record: FilingRecord) -> bool:
    """Whether the case would keep what is kept of the filing, cell by cell; a column that came later is all null."""
    with scratch() as place:
        keep_rows(case, record, Home(place))
        return all(
            _same_files(*(_kept(zones, zone, spec.table, record) for zones in (home(), Home(place))))
            for spec in case.standard.tables.values()
            for zone in ("accepted", "held")
        )


def _kept(zones: Home, zone: str, table: str, record: FilingRecord) -> Path:
    return zones.parquet(getattr(zones, zone), table, record.period or "", record.institution_id, record.filing_id)


def _same_files(one: Path, other: Path) -> bool:
    if not (one.exists() and other.exists()):
        return one.exists() == other.exists()
    with duckdb.connect(":memory:") as con:
        for name, file in (("one", one), ("other", other)):
            read = f"read_parquet({sql_text(str(file))}, hive_partitioning = false)"
            con.execute(f"create view {name} as select * from {read}")
        columns = sorted({*column_names(con, "one"), *column_names(con, "other")})
        listed = ", ".join(map(quoted, columns))
        sides = [
            f"select {listed} from (select * from {name} union all by name (select * from {rest} limit 0))"
            for name, rest in (("one", "other"), ("other", "one"))
        ]
        first, second = sides
        different = con.execute(f"select count(*) from (({first}) except all ({second}))").fetchone()
        missing = con.execute(f"select count(*) from (({second}) except all ({first}))").fetchone()
        return different == missing == (0,)
