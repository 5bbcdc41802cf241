"""`filing.json`: what an institution says of the filing it hands in."""

import datetime
import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

PERIOD_PATTERN = r"^(?P<year>20\d{2})(?:-(?P<month>0[1-9]|1[0-2])|Q(?P<quarter>[1-4]))?$"
IDENTIFIER_PATTERN = r"^[A-Z0-9][A-Z0-9-]{1,31}$"
FINGERPRINT_PATTERN = r"^[0-9a-f]{16}$"
# beside filing.json or in a folder below it, never elsewhere
FILE_PATTERN = r"^(?!/)(?:(?!\.{1,2}(?:/|$))[^/\\:\x00-\x1f]+(?:/(?!$)|$))+$"


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


def _is_file(name: str) -> str:
    if not re.match(FILE_PATTERN, name):
        raise ValueError("leads elsewhere / 指向别处")
    return name


def _no_boolean(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("true is no number / 不是数字")
    return value


Count = Annotated[int, Field(ge=0), BeforeValidator(_no_boolean)]
Sequence = Annotated[int, Field(ge=1, le=9999), BeforeValidator(_no_boolean)]
Digest = Annotated[str, Field(pattern=r"^[0-9A-Fa-f]{64}$"), AfterValidator(str.lower)]


class ManifestTable(BaseModel):
    """One table file of the filing; rows and sha256 are what the filer counted, and may be left out."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    table: str
    file: Annotated[str, AfterValidator(_is_file)] = Field(json_schema_extra={"pattern": FILE_PATTERN})
    rows: Count | None = None
    sha256: Digest | None = None
    encoding: Literal["utf-8", "gb18030"] | None = None


class Answer(BaseModel):
    """Why a warning is right as it stands: the finding's fingerprint, and a code of the standard's list of reasons."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    fingerprint: str = Field(pattern=FINGERPRINT_PATTERN)
    reason_code: str


class Manifest(BaseModel):
    """A filing's own description.

    `subject` is whom the filing is about (the collection desk files about sellers); it defaults to the institution.
    `replaces` names the filing that a correction or withdrawal is about.
    `answers` are reasons for warnings of this filing or of earlier ones.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    institution: str = Field(pattern=IDENTIFIER_PATTERN)
    subject: str | None = Field(default=None, pattern=IDENTIFIER_PATTERN)
    period: Annotated[str, AfterValidator(_is_period)] = Field(json_schema_extra={"pattern": PERIOD_PATTERN})
    sequence: Sequence
    kind: Literal["original", "correction", "withdrawal"]
    replaces: str | None = None
    standard_version: str | None = None
    contact_channel: str | None = Field(default=None, max_length=200)
    tables: tuple[ManifestTable, ...] = ()
    answers: tuple[Answer, ...] = Field(default=(), exclude_if=lambda answers: not answers)

    @property
    def about(self) -> str:
        """The institution that this filing is about."""
        return self.subject or self.institution
