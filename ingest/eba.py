"""The cross-walk from the EBA's NPL transaction data templates (EU 2023/2083, 135 field codes) to our tables.

Which field carries a code is written at the field (`eba:` in the standard's tables), and nowhere else. This module
adds, from `data/eba_fields.csv`, the codes' own names and for each unmapped one why it is not filed; and, from
`data/eba_values.csv`, which of our codes an EBA choice means.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from pathlib import Path

from expectations.spec import FieldSpec, Standard
from ingest.errors import UsageError

DATA = Path(__file__).parent / "data"


@dataclass(frozen=True)
class EbaField:
    """One of the 135 fields; `not_filed_*` say why it has no field of ours (empty where it has one)."""

    template: str
    code: str
    name: str
    type: str
    mandatory: str
    description: str
    not_filed_zh: str
    not_filed_en: str


@lru_cache(maxsize=1)
def eba_fields() -> dict[str, EbaField]:
    """Every field by its code, in the templates' order."""
    with (DATA / "eba_fields.csv").open(encoding="utf-8", newline="") as handle:
        return {row["code"]: EbaField(**row) for row in csv.DictReader(handle)}


@lru_cache(maxsize=1)
def eba_values() -> dict[tuple[str, str], str]:
    """(EBA code, its choice in small letters) -> a code of the list of the field that carries it."""
    with (DATA / "eba_values.csv").open(encoding="utf-8", newline="") as handle:
        return {(row["eba_code"], row["eba_value"]): row["our_code"] for row in csv.DictReader(handle)}


def crosswalk(standard: Standard) -> dict[str, list[tuple[str, FieldSpec]]]:
    """EBA code -> (table, field) of ours that carry it; codes that none carries are left out."""
    carried: dict[str, list[tuple[str, FieldSpec]]] = {}
    for name, table in standard.tables.items():
        for field in table.fields:
            for code in field.eba:
                carried.setdefault(code, []).append((name, field))
    return carried


def full_code(header: str) -> str | None:
    """The code that a column's header gives (`2.05`, `2.05 Name`); null when it gives none.

    A spreadsheet that took `1.10` for a number has written `1.1`, which can mean nothing else.
    """
    first = header.split(maxsplit=1)[0].rstrip(":") if header.strip() else ""
    whole, point, decimals = first.partition(".")
    code = f"{whole}{point or '.'}{decimals:0<2}"
    return code if code in eba_fields() else None


def rates_of(told: Sequence[str]) -> dict[str, Decimal]:
    """`EUR=8.10` as CNY per unit of a currency.

    Raises:
        UsageError: not a currency and a positive number.
    """
    rates = {}
    for text in told:
        currency, _, number = text.partition("=")
        try:
            rates[currency.strip().upper()] = rate = Decimal(number)
        except InvalidOperation:
            rate = Decimal(0)
        if not currency.strip() or not rate.is_finite() or rate <= 0:
            raise UsageError(f"{text} 不是汇率，应如 EUR=8.10。", f"{text} is no rate; write EUR=8.10.")
    return rates
