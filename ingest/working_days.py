"""Working days of mainland China: the `holidays` library, corrected by the register working_days.csv.

The State Council announces a year's days off and make-up workdays in the autumn before. A library knows them only after
its next release, so what was announced stands in the register and wins; an operator adds a year in the home.
"""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from ingest.register import working_days

ONE_DAY = datetime.timedelta(days=1)


@dataclass(frozen=True)
class WorkingDays:
    """Which days are worked. `announced` maps each day of the register; after `settled_to` nothing is announced yet."""

    announced: Mapping[datetime.date, bool]
    settled_to: datetime.date

    def is_working(self, day: datetime.date) -> bool:
        """Whether the day is worked: as announced, else as the library says (weekends, holidays, make-up days)."""
        told = self.announced.get(day)
        return bool(_library().is_working_day(day)) if told is None else told

    def after(self, day: datetime.date, count: int) -> datetime.date:
        """The `count`-th working day after a day, which itself does not count; with 0 the day itself."""
        while count > 0:
            day += ONE_DAY
            count -= self.is_working(day)
        return day

    def before(self, day: datetime.date, count: int) -> datetime.date:
        """The `count`-th working day before a day, which itself does not count; with 0 the day itself."""
        while count > 0:
            day -= ONE_DAY
            count -= self.is_working(day)
        return day

    def is_settled(self, day: datetime.date) -> bool:
        """Whether the days off of its year were announced; a date reckoned over others may still move."""
        return day <= self.settled_to


def load_working_days() -> WorkingDays:
    """Working days as the register, and the operator's corrections in the home, have them."""
    rows = working_days().to_pylist()
    year = max((row["day"].year for row in rows if row["certainty"] == "P"), default=0)
    settled_to = datetime.date(year, 12, 31) if year else datetime.date.min
    return WorkingDays({row["day"]: row["is_working_day"] for row in rows}, settled_to)


@lru_cache(maxsize=1)
def _library() -> Any:
    import holidays

    return holidays.country_holidays("CN")
