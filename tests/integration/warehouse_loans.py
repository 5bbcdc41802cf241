"""What invented institutions filed of single loans, for the tiny home of the dbt project's tests: tapes, collateral,
recoveries, and the transfer that was corrected. Amounts are in million yuan.

Packages and deals are those of `warehouse_rows.py`: A sold P1 on 2025-12-15 and P12 on the day after, and B sold P2 on
2025-12-20, all to one buyer.
"""

from typing import Any

from warehouse_rows import BUYER, SELLER_A, SELLER_B, Row, filing, million, transfer

FORMER_BANK = "虚构戊城市信用社"


def pseudonym(letter: str) -> str:
    return letter * 32


def _row(report: str, number: int, project: str, letter: str, **values: Any) -> Row:
    money = {name: million(value) if name.endswith("_cny") else value for name, value in values.items()}
    return {"filing_id": report, "row_number": number, "project_code": project, "loan_key": pseudonym(letter)} | money


def loan(report: str, number: int, holder: str, project: str, letter: str, principal: float, **values: Any) -> Row:
    return _row(
        report,
        number,
        project,
        letter,
        **{
            "borrower_key": pseudonym("p"),
            "holder_name": holder,
            "originator_name": holder,
            "product": "XF",
            "origination_date": "2020-01-01",
            "cutoff_date": "2025-11-30",
            "principal_cny": principal,
            "interest_cny": 1,
            "principal_interest_cny": principal + 1,
            "claim_total_cny": principal + 1,
            "is_securitised": False,
        }
        | values,
    )


LOANS = [
    # P1: filed wrongly, then corrected, of another cut-off date; c was taken out
    loan("A-6", 2, SELLER_A, "P1", "a", 40, cutoff_date="2025-10-31"),
    loan("A-6", 3, SELLER_A, "P1", "c", 60, cutoff_date="2025-10-31"),
    loan("A-7", 2, SELLER_A, "P1", "a", 41),
    loan("A-7", 3, SELLER_A, "P1", "b", 50),
    # P12 holds a loan that P1 had sold the day before: a double sale
    loan("A-8", 2, SELLER_A, "P12", "b", 50),
    # P2: b once more, by a seller who never had it; d of a bank that merged into B; e made by B itself
    loan("B-3", 2, SELLER_B, "P2", "b", 52, cutoff_date="2025-12-10", originator_name=SELLER_A),
    loan("B-3", 3, SELLER_B, "P2", "d", 10, originator_name=FORMER_BANK),
    loan("B-3", 4, SELLER_B, "P2", "e", 11),
    # withdrawn
    loan("B-4", 2, SELLER_B, "P9", "f", 99),
    # listed, not sold
    loan("B-5", 2, SELLER_B, "P8", "g", 7),
]

COLLATERAL = [
    _row(
        report,
        number,
        "P2",
        letter,
        collateral_key=pseudonym("h"),
        cutoff_date="2025-11-30",
        collateral_type="ZZ",
        valuation_cny=30,
    )
    for report, number, letter in [("B-3", 2, "d"), ("B-3", 3, "e")]
]


def recovery(report: str, number: int, project: str, month: str, route: str, gross: float, **values: Any) -> Row:
    values = {"holder_name": BUYER} | values
    row = _row(report, number, project, "", month=month, route=route, gross_cash_cny=gross, **values)
    cash = row["gross_cash_cny"]
    return row | {"loan_key": None, "net_cash_cny": cash, "cumulative_gross_cash_cny": cash}


RECOVERIES = [
    recovery("Z-2", 2, "P1", "2026-01-01", "COL", 5, outstanding_principal_cny=575),
    recovery("Z-3", 2, "P1", "2026-01-01", "COL", 6, outstanding_principal_cny=574),
    recovery("Z-3", 3, "P1", "2026-01-01", "LIT", 2, outstanding_principal_cny=574),
    # the buyer's own code of a deal that the seller filed as P12
    recovery("Z-3", 4, "P-12", "2026-01-01", "COL", 1, outstanding_principal_cny=99),
]

# The seller's first word on P1, corrected before the buyer filed.
TRANSFERS = [
    transfer("A-1", 3, SELLER_A, "P1", "seller", "2025-12-14", price_cny=99, principal_cny=580),
]

FILINGS = [
    filing("A-6", "SLA", 8, "superseded", known_to_day=9),
    filing("A-7", "SLA", 9, kind="correction", replaces="A-6", sequence=2),
    filing("A-8", "SLA", 9),
    filing("B-3", "SLB", 10),
    filing("B-4", "SLB", 10, "withdrawn", known_to_day=11),
    filing("B-5", "SLB", 10),
    filing("Z-2", "BYD", 10, "superseded", known_to_day=11),
    filing("Z-3", "BYD", 11, kind="correction", replaces="Z-2", sequence=2),
]

INSTITUTIONS = [
    {
        "institution_id": "OLD",
        "name_zh": FORMER_BANK,
        "institution_type": "RB",
        "province_code": "330000",
        "valid_to": "2022-12-31",
        "successor_id": "SLB",
        "is_demo": False,
    }
]
INSTITUTION_NAMES = [{"name": FORMER_BANK, "institution_id": "OLD"}]
