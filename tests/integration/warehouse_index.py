"""Deals of 2023 and 2024 whose mix changes, and an eligibility register, for the tiny home of the dbt project's tests.

The deals are the worked example of docs/price-index.md. Amounts are in million yuan.
"""

import datetime
from typing import Any

from warehouse_rows import SELLER_A, SELLER_DEMO, Row, filing, notice, transfer

YOUNG, OLD = 200, 2000  # overdue days of the bands under_1_year and over_5_years
LATE = datetime.datetime(2026, 1, 11, 13)  # after the moments that other tests look at, and on the same last day


def _deal(report: str, number: int, project: str, day: str, claim: float, price: float, **values: Any) -> list[Row]:
    """A listing a week before the signing, and the seller's result; without a listing where no age is known."""
    seller = SELLER_DEMO if report == "X-2" else SELLER_A
    overdue, asset = values.pop("overdue", None), values.pop("asset", "XF")
    result = transfer(
        report,
        number,
        seller,
        project,
        "seller",
        day,
        principal_interest_cny=claim,
        price_cny=price,
        asset_type=asset,
        **values,
    )
    if overdue is None:
        return [result]
    listed = str(datetime.date.fromisoformat(day) - datetime.timedelta(days=7))
    return [
        result,
        notice(
            report,
            number,
            seller,
            project,
            "ZR",
            listed,
            principal_interest_cny=claim,
            weighted_overdue_days=overdue,
            asset_type=asset,
        ),
    ]


_ROWS = [
    row
    for deal in [
        # both cells cost what they did, but far more old claims are sold: a mean would halve
        _deal("X-1", 2, "I1", "2023-02-15", 100, 12, overdue=YOUNG, principal_cny=80),
        _deal("X-1", 3, "I2", "2023-02-16", 100, 2, overdue=OLD, principal_cny=80),
        _deal("X-1", 4, "I3", "2023-05-15", 50, 6.3, overdue=YOUNG, principal_cny=40),
        _deal("X-1", 5, "I4", "2023-05-16", 300, 6, overdue=OLD, principal_cny=200),
        # one cell goes on, a new one comes
        _deal("X-1", 6, "I5", "2023-08-15", 200, 4.4, overdue=OLD),
        _deal("X-1", 7, "I6", "2023-08-16", 80, 8, overdue=YOUNG, asset="JY"),
        # nobody said how old these claims are: nothing to match
        _deal("X-1", 8, "I7", "2023-11-15", 60, 3),
        # a new start, with a price of nothing beside it and an invented seller's deal
        _deal("X-1", 9, "I8", "2024-02-15", 100, 10, overdue=YOUNG),
        _deal("X-2", 2, "I9", "2024-02-16", 100, 30, overdue=YOUNG),
        _deal("X-1", 10, "I10", "2024-02-17", 40, 1, overdue=OLD),
        _deal("X-1", 11, "I11", "2024-05-15", 150, 15, overdue=YOUNG),
        _deal("X-1", 12, "I12", "2024-05-16", 50, 7, overdue=YOUNG),
        _deal("X-1", 13, "I13", "2024-05-17", 40, 0, overdue=OLD),
    ]
    for row in deal
]
TRANSFERS = [row for row in _ROWS if "signed_date" in row]
NOTICES = [row for row in _ROWS if "announced_date" in row]
FILINGS = [
    filing("X-1", "SLA", 11, known_from=LATE, decided_at=LATE),
    filing("X-2", "SLC", 11, known_from=LATE, decided_at=LATE),
]

FIRST_ACT, SECOND_ACT = "虚构〔2021〕1号", "虚构〔2025〕2号"
ELIGIBILITY = [
    {
        "role": role,
        "institution_type": kind,
        "business": business,
        "province_scope": scope,
        "province_codes": codes,
        "valid_from": first,
        "valid_to": last,
        "act": act,
        "article": "第一条",
        "certainty": certainty,
        "source": "invented",
    }
    for role, kind, business, scope, codes, first, last, act, certainty in [
        ("seller", "CF", "batch_personal", "all", None, "2023-04-01", "2025-12-31", FIRST_ACT, "P"),
        ("seller", "CF", "batch_personal", "all", None, "2026-01-01", "2026-12-31", SECOND_ACT, "P"),
        ("seller", "CF", "single_corporate", "all", None, "2023-04-01", "2025-12-31", FIRST_ACT, "U"),
        ("seller", "CB", "batch_personal", "list", "110000;320000", "2023-04-01", "2025-12-31", FIRST_ACT, "U"),
        ("seller", "CB", "batch_personal", "all", None, "2026-01-01", "2026-12-31", SECOND_ACT, "U"),
        ("seller", "RB", "batch_personal", "list", "330000", "2021-01-01", "2024-12-31", FIRST_ACT, "P"),
        ("buyer", "LAMC", "batch_personal", "all", None, "2021-01-01", "2025-12-31", FIRST_ACT, "P"),
        ("buyer", "LAMC", "single_corporate", "own", None, "2021-01-01", "2025-12-31", FIRST_ACT, "P"),
    ]
]
