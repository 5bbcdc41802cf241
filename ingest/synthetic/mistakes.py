"""Mistakes that a whole filing can hold: what is done to its rows, which rules must find it, what comes of it."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from expectations.spec import Row
from ingest.synthetic.rows import NOTICE, RECOVERY, TRANSFER
from ingest.synthetic_files import Form


@dataclass(frozen=True)
class Mistake:
    """`spoil` changes the rows of `table` in place; `spoil_text` the text of the files, in the form that is given."""

    why: str
    table: str
    rules: tuple[str, ...]
    spoil: Callable[[list[Row]], None]
    verdict: Literal["rejected", "unreadable"] = "rejected"
    form: Form | None = None
    spoil_text: Callable[[str], str] | None = None


def _plus_a_cent(*names: str) -> Callable[[list[Row]], None]:
    def spoil(rows: list[Row]) -> None:
        for name in names:
            rows[0][name] = f"{Decimal(rows[0][name] or 0) + Decimal('0.01')}"

    return spoil


def _set(**cells: str | None) -> Callable[[list[Row]], None]:
    return lambda rows: rows[0].update(cells)


def _ratios_swapped(rows: list[Row]) -> None:
    row = rows[0]
    row["discount_ratio"], row["principal_recovery_ratio"] = row["principal_recovery_ratio"], row["discount_ratio"]


def _a_row_longer(text: str) -> str:
    """One cell more in the first row than in the header."""
    header, first, *rest = text.split("\n")
    return "\n".join([header, f"{first},1", *rest])


def _as_it_is(_: list[Row]) -> None:
    """The mistake is in the file, not in its rows."""


MISTAKES = (
    Mistake("principal and interest miss the total by a cent", NOTICE, ("NPL-PKG-040",),
            _plus_a_cent("principal_interest_cny", "claim_total_cny")),
    Mistake("cut-off after the notice", NOTICE, ("NPL-PKG-027",), _set(cutoff_date="2026-12-31")),
    Mistake("fewer loans than borrowers", NOTICE, ("NPL-PKG-042",), _set(borrower_count="99999999")),
    Mistake("a phone number in the remarks", NOTICE, ("NPL-SCH-005",), _set(remarks="联系电话 13800000000")),
    Mistake("a day that does not exist", NOTICE, ("NPL-SCH-001",), _set(announced_date="2025-02-30"),
            form="json_lines"),
    Mistake("an abbreviated code", NOTICE, ("NPL-SCH-002",), _set(sale_method="网上拍卖")),
    Mistake("a row longer than the header", NOTICE, (), _as_it_is, "unreadable", "folder", _a_row_longer),
    Mistake("discount and recovery swapped", TRANSFER, ("NPL-TRF-047",), _ratios_swapped),
    Mistake("a forgotten price", TRANSFER, ("NPL-SCH-003",), _set(price_cny=None)),
    Mistake("a securitisation filed as a deal", TRANSFER, ("NPL-TRF-056", "NPL-FIL-009"),
            _set(transfer_mode="ABS", is_debt_to_equity="否")),
    Mistake("signed after it was settled", TRANSFER, ("NPL-TRF-034",), _set(settled_date="2021-01-04")),
    Mistake("net is not gross less costs", RECOVERY, ("NPL-REC-015",), _plus_a_cent("net_cash_cny")),
    Mistake("a day within the month", RECOVERY, ("NPL-REC-003",),
            lambda rows: rows[0].update(month=(rows[0]["month"] or "")[:8] + "15")),
)  # fmt: skip
