"""What the buyer of `warehouse_index.py`'s deals recovered from them, for the tiny home of the dbt project's tests.

Amounts are in million yuan. The last month that anybody filed is January 2026, of `warehouse_loans.py`: what is
worked out stays at risk until then.
"""

import datetime
from typing import Any

from warehouse_index import LATE
from warehouse_loans import pseudonym
from warehouse_rows import BUYER, Row, filing, million

NO_COST = {f"{cost}_cost_cny": 0 for cost in ("tax", "lawyer", "enforcement", "agency", "other")}


def recovery(
    number: int,
    project: str,
    month: str,
    gross: float,
    net: float,
    cumulative: float,
    *,
    report: str = "Z-22",
    route: str = "COL",
    loan: str | None = None,
    is_final: bool = False,
    **costs: float | None,
) -> Row:
    """A row of the buyer; a cost that is not given is a filed zero."""
    amounts = NO_COST | costs
    amounts |= {"gross_cash_cny": gross, "net_cash_cny": net, "cumulative_gross_cash_cny": cumulative}
    row: dict[str, Any] = {name: million(amount) for name, amount in amounts.items()}
    return row | {
        "filing_id": report,
        "row_number": number,
        "project_code": project,
        "loan_key": loan and pseudonym(loan),
        "holder_name": BUYER,
        "month": f"{month}-01",
        "route": route,
        "is_final": is_final,
        "outstanding_principal_cny": 0 if is_final else 1,
    }


RECOVERIES = [
    # filed wrongly, then corrected
    recovery(2, "I1", "2023-03", 99, 99, 99, report="Z-21"),
    # I1 of 2023Q1: April was not filed, and its 3 show in the cumulative cash of May alone; May's other costs are not
    # told, though net cash is less by them. Worked out in June.
    recovery(2, "I1", "2023-02", 0, 0, 0),
    recovery(3, "I1", "2023-03", 4, 2.9, 4, tax_cost_cny=0.1, agency_cost_cny=1),
    recovery(4, "I1", "2023-05", 2, 1.5, 9, tax_cost_cny=0.1, other_cost_cny=None),
    recovery(5, "I1", "2023-06", 1, 1, 10, is_final=True),
    recovery(6, "I1", "2023-06", 1, 0.5, 1, route="LIT", lawyer_cost_cny=0.5, is_final=True),
    # I2 of 2023Q1: filed for three months only, and the last cost more than it brought
    recovery(7, "I2", "2023-02", 1, 1, 1),
    recovery(8, "I2", "2023-03", 1, 0.5, 2, agency_cost_cny=0.5),
    recovery(9, "I2", "2023-04", 0, -0.7, 2, enforcement_cost_cny=0.7),
    # I4 of 2023Q2, loan by loan, and June once more in total: that was filed last
    recovery(10, "I4", "2023-05", 1, 1, 1, loan="m"),
    recovery(11, "I4", "2023-05", 2, 2, 2, loan="n"),
    recovery(12, "I4", "2023-06", 3, 3, 4, loan="m"),
    recovery(13, "I4", "2023-06", 0, 0, 2, loan="n"),
    recovery(2, "I4", "2023-06", 10, 8, 13, report="Z-23", tax_cost_cny=2),
    # I5 of 2023Q3 cost more than it brought; I9 of 2024Q1 was sold by an invented institution; of P6 only the year of
    # signing is known
    recovery(14, "I5", "2023-08", 1, -1, 1, route="KIND", tax_cost_cny=2),
    recovery(15, "I9", "2024-02", 5, 4, 5, route="SET", agency_cost_cny=1),
    recovery(16, "P6", "2025-07", 3, 2.5, 3, tax_cost_cny=0.5),
]


def _at(hours: int) -> datetime.datetime:
    return LATE + datetime.timedelta(hours=hours)


FILINGS = [
    filing("Z-21", "BYD", 11, "superseded", known_from=LATE, decided_at=LATE, known_to=_at(1)),
    filing("Z-22", "BYD", 11, known_from=_at(1), decided_at=_at(1), kind="correction", replaces="Z-21", sequence=2),
    filing("Z-23", "BYD", 11, known_from=_at(2), decided_at=_at(2)),
]
