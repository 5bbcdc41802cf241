"""Defects to plant in synthetic loans: fifteen slips that are really made, each with the rule that must find it."""

import datetime
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from ingest.synthetic_loans import Draws

Row = Mapping[str, str | None]
PARTS = 1_000_000
A_MONTH = datetime.timedelta(days=30)


@dataclass(frozen=True)
class Defect:
    """One kind of slip: what becomes of a loan's cells. `needs_text`: a typed file (Parquet) can't hold it.

    `spoil` is given the loan and the one before it, from which it `copies` or not.
    """

    kind: str
    field: str
    rule_id: str
    spoil: Callable[[Row, Row], dict[str, str | None]]
    needs_text: bool = False
    copies: bool = False


@dataclass(frozen=True, slots=True)
class Planted:
    """One defect in the tape; `row` as a spreadsheet shows it, the header being row 1."""

    row: int
    field: str
    kind: str
    rule_id: str


def _text(row: Row, name: str) -> str:
    value = row[name]
    assert value is not None, name
    return value


def _plus(row: Row, name: str, cny: str) -> str:
    return f"{Decimal(_text(row, name)) + Decimal(cny)}"


def _off_total(row: Row, _: Row) -> dict[str, str | None]:
    return {name: _plus(row, name, "9000") for name in ("principal_interest_cny", "claim_total_cny")}


def _claim_in_wan(row: Row, _: Row) -> dict[str, str | None]:
    return {"claim_total_cny": f"{Decimal(_text(row, 'claim_total_cny')) / 10_000:.2f}"}


def _dates_swapped(row: Row, _: Row) -> dict[str, str | None]:
    return {"origination_date": row["default_date"], "default_date": row["origination_date"]}


def _date_to_come(row: Row, _: Row) -> dict[str, str | None]:
    return {"last_contact_date": f"{datetime.date.fromisoformat(_text(row, 'cutoff_date')) + A_MONTH}"}


def _in_enforcement_nowhere(row: Row, _: Row) -> dict[str, str | None]:
    return {
        "litigation_state": "ZX",
        "enforcement_state": "NONE",
        "litigation_date": row["litigation_date"] or row["overdue_start_date"],
        "court_province": row["borrower_province"],
    }


DEFECTS = (
    Defect("word for a number", "overdue_days", "NPL-SCH-001", lambda *_: {"overdue_days": "约两年"}, True),
    Defect("impossible day", "origination_date", "NPL-SCH-001", lambda *_: {"origination_date": "2022-02-30"}, True),
    Defect("unknown code", "product", "NPL-SCH-002", lambda *_: {"product": "网络小贷"}),
    Defect("forgotten cell", "five_tier", "NPL-SCH-003", lambda *_: {"five_tier": None}),
    Defect("reason where none is allowed", "principal_cny", "NPL-SCH-004", lambda *_: {"principal_cny": "ND1"}, True),
    Defect("phone number", "remarks", "NPL-SCH-005", lambda *_: {"remarks": "电话 13800000000"}),
    Defect("loan twice", "loan_key", "NPL-LOA-001", lambda _, before: {"loan_key": before["loan_key"]}, False, True),
    Defect("key in capitals", "loan_key", "NPL-LOA-002", lambda row, _: {"loan_key": _text(row, "loan_key").upper()}),
    Defect("number as key", "borrower_key", "NPL-LOA-003", lambda *_: {"borrower_key": "2026000187"}),
    Defect("total of another sum", "principal_interest_cny", "NPL-LOA-025", _off_total),
    Defect("claim in units of ten thousand", "claim_total_cny", "NPL-LOA-026", _claim_in_wan),
    Defect("dates swapped", "origination_date", "NPL-LOA-035", _dates_swapped),
    Defect("date after the cut-off", "last_contact_date", "NPL-LOA-036", _date_to_come),
    Defect("rate as percentage", "annual_rate", "NPL-LOA-032", lambda *_: {"annual_rate": "18.000000"}),
    Defect("enforcement nowhere", "litigation_state", "NPL-LOA-056", _in_enforcement_nowhere),
)  # fmt: skip


def plant(
    columns: dict[str, pa.Array], rate: Decimal, defects: Sequence[Defect], draw: Draws, first_row: int
) -> list[Planted]:
    """Spoil a share of the loans in place and return what was planted where.

    Never two in a row, as one defect may copy from the loan before: at a rate of 1 that defect is left out, and every
    loan is spoiled. `rate` is exact to a millionth; `first_row` is the number of the first loan's row.
    """
    count = len(columns["loan_key"])
    chosen = list(range(count)) if rate == 1 else _apart(draw.below("defect", PARTS, count) < int(rate * PARTS))
    if rate == 1:
        defects = [defect for defect in defects if not defect.copies]
    if not chosen or not defects:
        return []
    before = dict(zip(chosen, _rows(columns, [max(0, place - 1) for place in chosen]), strict=True))
    kinds = draw.below("defect_kind", len(defects), count)
    planted, spoiled = [], {}
    for place, row in zip(chosen, _rows(columns, chosen), strict=True):
        defect = defects[int(kinds[place])]
        spoiled[place] = defect.spoil(row, before[place])
        planted.append(Planted(first_row + place, defect.field, defect.kind, defect.rule_id))
    for name in sorted({name for cells in spoiled.values() for name in cells}):
        cells = {place: cells[name] for place, cells in spoiled.items() if name in cells}
        columns[name] = _with_cells(columns[name], cells)
    return planted


def _apart(hit: npt.NDArray[np.bool_]) -> list[int]:
    """Places that are hit, but for those beside one; never the first, since the loan before it lies elsewhere."""
    chosen: list[int] = []
    for place in np.flatnonzero(hit).tolist():
        if place and (not chosen or place > chosen[-1] + 1):
            chosen.append(place)
    return chosen


def _rows(columns: Mapping[str, pa.Array], places: Sequence[int]) -> list[Row]:
    return pa.table(dict(columns)).take(pa.array(places)).to_pylist()  # type: ignore[no-any-return]


def _with_cells(column: pa.Array, cells: Mapping[int, str | None]) -> pa.Array:
    mask = np.zeros(len(column), np.bool_)
    mask[list(cells)] = True
    return pc.replace_with_mask(
        column, pa.array(mask), pa.array([cells[place] for place in sorted(cells)], pa.string())
    )
