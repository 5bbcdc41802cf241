"""`filing.json`: what an institution says of the filing it hands in."""

import datetime
import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

PERIOD_PATTERN = r"^(?P<year>20\d{2})(?:-(?P<month>0[1-9]|1[0-2])|Q(?P<quarter>[1-4]))?$"
IDENTIFIER_PATTERN = r"^[A-Z0-9][A-Z0-9-]{1,31}$"


def period_bounds(period: str) -> tuple[datetime.date, datetime.date]:
    """First and last day of `2026-10`, `2026Q3` or `2026`.

    A bare year is for the collection desk alone: some public notices print no more than that.
    """
    match = re.match(PERIOD_PATTERN, period)
    if match is None:
        raise ValueError(f"{period!r} is not a period (2026-10 or 2026Q3) / 不是报送期间")
    year = int(match["year"])
    if match["month"]:
        first, months = int(match["month"]), 1
    elif match["quarter"]:
        first, months = 3 * int(match["quarter"]) - 2, 3
    else:
        first, months = 1, 12
    after = datetime.date(year + (first + months > 12), (first + months - 1) % 12 + 1, 1)
    return datetime.date(year, first, 1), after - datetime.timedelta(days=1)


def _is_period(period: str) -> str:
    period_bounds(period)
    return period


class ManifestTable(BaseModel):
    """One table file of the filing; rows and sha256 are what the filer counted, and may be left out."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    table: str
    file: str
    rows: int | None = Field(default=None, ge=0)
    sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    encoding: Literal["utf-8", "gb18030"] | None = None


class Manifest(BaseModel):
    """A filing's own description.

    `subject` is whom the filing is about (the collection desk files about sellers); it defaults to the institution.
    `replaces` names the filing that a correction or withdrawal is about.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    institution: str = Field(pattern=IDENTIFIER_PATTERN)
    subject: str | None = Field(default=None, pattern=IDENTIFIER_PATTERN)
    period: Annotated[str, AfterValidator(_is_period)] = Field(json_schema_extra={"pattern": PERIOD_PATTERN})
    sequence: int = Field(ge=1, le=9999)
    kind: Literal["original", "correction", "withdrawal"]
    replaces: str | None = None
    standard_version: str | None = None
    contact_channel: str | None = Field(default=None, max_length=200)
    tables: tuple[ManifestTable, ...] = ()

    @property
    def about(self) -> str:
        """The institution that this filing is about."""
        return self.subject or self.institution
