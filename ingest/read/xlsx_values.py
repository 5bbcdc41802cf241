"""What a stored XLSX value says, as its filer would write it down: 756 and not 756.0, 2026-03-13 and not 46094."""

import datetime
import re
from decimal import ROUND_HALF_EVEN, Context, Decimal
from functools import lru_cache
from typing import Literal

from ingest.read.columns import SIGNIFICANT_DIGITS

Kind = Literal["number", "date", "elapsed"]

# what needs no arithmetic: too few digits to be noise
WHOLE, FRACTION = re.compile(r"-?[1-9][0-9]{0,13}|0"), re.compile(r"-?[0-9]{1,10}\.[0-9]{0,3}[1-9]")
NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
LOST_FROM = 10**SIGNIFICANT_DIGITS
HALF_A_CENT = Decimal("0.005")
TO_KEPT_DIGITS = Context(prec=SIGNIFICANT_DIGITS, rounding=ROUND_HALF_EVEN)

# formats that need no definition in the workbook; 27 to 36 and 50 to 58 are the dates of Chinese, Japanese and Korean
BUILT_IN_DATES = {*range(14, 23), *range(27, 37), 45, 47, *range(50, 59)}
BUILT_IN_ELAPSED = {46}
NOT_THE_PATTERN = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?:[^\]hmsHMS][^\]]*|[hmsHMS]+[^hmsHMS\]][^\]]*)\]')
ELAPSED = re.compile(r"\[(?:h+|m+|s+)\]", re.IGNORECASE)
DATE_LETTER = re.compile(r"[ymdhsYMDHS年月日]|aaa|AAA")

DAY = 86_400_000  # milliseconds
LAST_DAY = 2_958_465  # 9999-12-31
FALSE_LEAP_DAY = 60  # Excel's calendar has a 29 February 1900
DAYS_BETWEEN_SYSTEMS = 1462


class LostDigitsError(ValueError):
    """More digits than a number cell keeps: what was typed can't be known any more."""


def kind_of_format(number: int, code: str | None) -> Kind:
    """What a cell format makes of a number; `code` is its pattern where the workbook defines one."""
    if code is None:
        return "date" if number in BUILT_IN_DATES else "elapsed" if number in BUILT_IN_ELAPSED else "number"
    pattern = NOT_THE_PATTERN.sub("", code).partition(";")[0]
    if ELAPSED.search(pattern):
        return "elapsed"
    return "date" if DATE_LETTER.search(pattern) else "number"


def number_text(stored: str) -> str:
    """A plain decimal number without exponent and without noise: 0.3 for 0.30000000000000004.

    Raises:
        LostDigitsError: it has more digits than Excel keeps.
        ValueError: it is no number.
    """
    if WHOLE.fullmatch(stored) or FRACTION.fullmatch(stored):
        return stored
    if not NUMBER.fullmatch(stored):
        raise ValueError("no number")
    exact = Decimal(stored)
    kept = TO_KEPT_DIGITS.plus(exact)
    if abs(exact) >= LOST_FROM or abs(exact - kept) >= HALF_A_CENT:
        raise LostDigitsError
    plain = format(kept, "f")
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


@lru_cache(maxsize=10_000)  # a column holds few days
def date_text(stored: str, kind: Kind, from_1904: bool) -> str:
    """A day count as `2026-03-13`, `2026-03-13 17:00:00` or `09:30:00`; the number where no day has that count.

    Raises:
        ValueError: as `number_text`.
    """
    plain = number_text(stored)
    total = int((Decimal(plain) * DAY).to_integral_value())
    days, rest = divmod(total, DAY)
    if total < 0 or days > LAST_DAY - from_1904 * DAYS_BETWEEN_SYSTEMS:
        return plain
    if kind == "elapsed":
        return f"{total // 3_600_000:02}:{_minutes(total % 3_600_000)}"
    time = f"{rest // 3_600_000:02}:{_minutes(rest % 3_600_000)}"
    if days == 0:
        return time
    day = _day(days, from_1904)
    return f"{day} {time}" if rest else day


def _minutes(milliseconds: int) -> str:
    minutes, rest = divmod(milliseconds, 60_000)
    seconds, fraction = divmod(rest, 1000)
    return f"{minutes:02}:{seconds:02}" + (f".{fraction:03}" if fraction else "")


def _day(days: int, from_1904: bool) -> str:
    if from_1904:
        return (datetime.date(1904, 1, 1) + datetime.timedelta(days)).isoformat()
    if days == FALSE_LEAP_DAY:
        return "1900-02-29"  # as Excel shows it: no day, and the checks say so
    return (datetime.date(1899, 12, 31 if days < FALSE_LEAP_DAY else 30) + datetime.timedelta(days)).isoformat()
