"""Loans, what secures them and what they brought in: the part of the demo set that is filed loan by loan.

A personal and a corporate package of twenty loans each are listed, filed loan by loan and sold in July 2026. Their
buyer files both deals and three months of cash. All sums tie to the cent, because notice and deal are the tape's sums.
Filed after the disputed purchase of June, the buyer's filing is reminded that its warning still waits for an answer.
"""

import datetime
from decimal import Decimal

from expectations.spec import Row, Standard
from ingest.synthetic.institutions import party
from ingest.synthetic.rows import NOTICE, RECOVERY, TRANSFER, cash_row, deal_row, package_row
from ingest.synthetic.world import CENT, Cash, Deal, Package, Quarter, cash_of, put_on_tape, shape_of
from ingest.synthetic_files import SyntheticFiling
from ingest.synthetic_tape import LOAN, Tape, loan_rows

COLLATERAL = "collateral"
LOANS = 20
QUARTER = Quarter(0, 2026, 3)
LISTED, SIGNED = QUARTER.day(1, 6), QUARTER.day(1, 27)
CUTOFF, VALUED = datetime.date(2026, 5, 31), datetime.date(2026, 3, 31)
# with these seeds the first tape holds restructured loans and the second mortgages, pledges and guarantees
PERSONAL_SEED, CORPORATE_SEED = 4, 7
SHARES_OF_PRICE = ("0.021", "0.043", "0.038")  # cash month by month
IMMOVABLE = {"GY": 4_000, "BG": 11_000, "SY": 15_000}  # kind of building: CNY a square metre
EQUITY = "GQ"


def tape_filings(standard: Standard) -> list[SyntheticFiling]:
    """What the two sellers and their buyer file, each seller before the buyer."""
    personal = _package("SLXJ01", 12, "XF", PERSONAL_SEED)
    corporate = _package("SLYH02", 5, "DGN", CORPORATE_SEED)
    deals = [_deal(personal, "0.09"), _deal(corporate, "0.31")]
    return [
        SyntheticFiling("2026-07-tape", "SLXJ01", "2026-07", _sold(standard, deals[0])),
        SyntheticFiling("2026-07-tape", "SLYH02", "2026-07", _sold(standard, deals[1]), "workbook"),
        SyntheticFiling(
            "2026-09-recoveries",
            "SLZG02",
            QUARTER.text,
            {
                TRANSFER: [deal_row(standard, deal, "buyer", deal.price) for deal in deals],
                RECOVERY: [cash_row(standard, deal, cash) for deal in deals for cash in deal.cash],
            },
            "bom_folder",
        ),
    ]


def _package(seller: str, issue: int, asset_type: str, seed: int) -> Package:
    package = Package(
        seller=party(seller),
        year=QUARTER.year,
        issue=issue,
        asset_type=asset_type,
        cutoff=CUTOFF,
        principal=Decimal(0),
        interest=Decimal(0),
        fees=Decimal(0),
        loans=0,
        borrowers=0,
        overdue_days=Decimal(0),
        listed_in=QUARTER,
        listed=LISTED,
    )
    put_on_tape(package, shape_of(package, seed), LOANS)
    return package


def _deal(package: Package, ratio: str) -> Deal:
    """Both sides tell the same price, this share of principal and interest in whole yuan."""
    price = (package.claim * Decimal(ratio)).quantize(Decimal(1)).quantize(CENT)
    deal = Deal(package, package.seller, party("SLZG02"), SIGNED, QUARTER, "agreed", price, price)
    cumulative = Decimal(0)
    for number, share in enumerate(SHARES_OF_PRICE, start=1):
        gross = (price * Decimal(share)).quantize(CENT)
        cumulative += gross
        deal.cash.append(_cash(deal, number, gross, cumulative))
    return deal


def _cash(deal: Deal, number: int, gross: Decimal, cumulative: Decimal) -> Cash:
    return cash_of(deal, QUARTER, QUARTER.day(number, 1), gross, cumulative)


def _sold(standard: Standard, deal: Deal) -> dict[str, list[Row]]:
    """A package's notice, its loans and what secures them, and the deal as its seller tells it."""
    package = deal.package
    assert package.tape is not None
    loans, _ = loan_rows(Tape(package.tape, LOANS))
    things = [_thing(standard, loan, loans) for loan in loans if loan["guarantee"] in ("DY", "ZY")]
    return {
        NOTICE: [package_row(standard, package, "ZR", package.listed)],
        LOAN: loans,
        **({COLLATERAL: things} if things else {}),
        TRANSFER: [deal_row(standard, deal, "seller", deal.price)],
    }


def _thing(standard: Standard, loan: Row, loans: list[Row]) -> Row:
    """What secures a loan: a building for a mortgage, shares for a pledge; the same for loans of one borrower."""
    secured = [
        each for each in loans if (each["borrower_key"], each["guarantee"]) == (loan["borrower_key"], loan["guarantee"])
    ]
    principal = sum((Decimal(each["principal_cny"] or 0) for each in secured), Decimal(0))
    first = loans.index(secured[0])
    value = (principal * (70 + 13 * first % 60) / 100).quantize(Decimal(1))
    is_building = loan["guarantee"] == "DY"
    kind = list(IMMOVABLE)[first % len(IMMOVABLE)] if is_building else EQUITY
    # no real one: the borrower's pseudonym or the loan's, read backwards
    named_by = secured[0]["borrower_key" if is_building else "loan_key"]
    row: Row = {
        "project_code": loan["project_code"],
        "loan_key": loan["loan_key"],
        "collateral_key": (named_by or "")[::-1],
        "cutoff_date": loan["cutoff_date"],
        "collateral_type": kind,
        "description": None,
        "province": loan["borrower_province"],
        "building_area_sqm": f"{(value / IMMOVABLE[kind]).quantize(CENT)}" if is_building else None,
        "built_year": f"{2004 + first % 12}" if is_building else None,
        "is_completed": "是" if is_building else None,
        "occupancy": "OWN" if is_building else None,
        "valuation_cny": f"{value}.00",
        "valuation_date": VALUED.isoformat(),
        "registered_claim_cny": loan["claim_total_cny"],
        "registered_date": loan["origination_date"],
    }
    return standard.example_row(COLLATERAL, row)
