"""What invented institutions filed of 2022, for restructuring and defect flags of the dbt project's tests.

Lessor B sold D1, D2 and D3 to investor Z, and D4 is only listed. D1 and D2 have tapes, and both hold loan u. All
four are claims of one kind and age, so each deal is compared with the other two. Amounts are in million yuan; the sums
by hand stand in `test_restructuring.py` and `test_defect_flags.py`.
"""

import datetime
from typing import Any

from warehouse_loans import loan, pseudonym, recovery
from warehouse_rows import Row, filing, million, notice, transfer

LESSOR, INVESTOR = "虚构壬金融租赁有限公司", "虚构癸金融资产投资有限公司"
# after the moments that other tests look at, and on the same last day
LATE, LATER = datetime.datetime(2026, 1, 11, 13), datetime.datetime(2026, 1, 11, 14)
NO_DEFECTS = "无已知瑕疵"

INSTITUTIONS = [
    {"institution_id": "DFB", "name_zh": LESSOR, "institution_type": "FL", "province_code": "120000", "is_demo": True},
    {"institution_id": "DFZ", "name_zh": INVESTOR, "institution_type": "AIC", "is_demo": True},
]
INSTITUTION_NAMES = [{"name": row["name_zh"], "institution_id": row["institution_id"]} for row in INSTITUTIONS]


def _sale(number: int, project: str, day: str, claim: float, principal: float, price: float, **values: Any) -> Row:
    return transfer(
        "DFB-1",
        number,
        LESSOR,
        project,
        "seller",
        day,
        principal_interest_cny=claim,
        principal_cny=principal,
        price_cny=price,
        **{"seller_type": "FL", "buyer_name": INVESTOR, "buyer_type": "AIC", "asset_type": "DGN"} | values,
    )


TRANSFERS = [
    _sale(2, "D1", "2022-05-10", 100, 80, 10, is_debt_to_equity=True, is_related_party=True),
    _sale(3, "D2", "2022-05-20", 100, 80, 60, is_debt_to_equity=False, is_related_party=False),
    _sale(4, "D3", "2022-05-30", 200, 150, 80),
]

NOTICES = [
    notice(
        "DFB-1",
        number,
        LESSOR,
        project,
        "ZR",
        "2022-04-20",
        principal_interest_cny=claim,
        weighted_overdue_days=200,
        seller_type="FL",
        asset_type="DGN",
        defect_statement=statement,
    )
    for number, project, claim, statement in [
        (2, "D1", 100, NO_DEFECTS),
        (3, "D2", 100, NO_DEFECTS),
        (4, "D3", 200, None),
        (5, "D4", 50, None),
    ]
]

_CLEAN: Row = {
    "cutoff_date": "2022-03-31",
    "transfer_bar": "NONE",
    "restructuring_state": "NONE",
    "litigation_state": "WS",
    "enforcement_state": "NONE",
    "default_date": "2021-01-01",
    "guarantee": "XY",
    "is_baojiaolou": False,
}


def _loan(number: int, project: str, letter: str, principal: float, **values: Any) -> Row:
    return loan("DFB-1", number, LESSOR, project, letter, principal, **_CLEAN | values)


LOANS = [
    # barred, and time-barred between the cut-off date and the signing
    _loan(
        2,
        "D1",
        "u",
        40,
        transfer_bar="JG",
        limitation_date="2022-04-30",
        guarantee="DY",
        restructuring_state="LX",
        restructuring_date="2022-02-15",
        forgiven_cny=2,
        is_baojiaolou=True,
    ),
    # a judgment that nobody enforced, its two years over by the signing
    _loan(
        3, "D1", "v", 30, litigation_state="PW", judgment_date="2020-04-30", default_date="2015-01-01", guarantee="DY"
    ),
    # nobody said whether it is securitised
    _loan(4, "D1", "w", 10, restructuring_state="WY", is_baojiaolou=None, is_securitised=None),
    # u once more, ten days later and from an older tape
    _loan(5, "D2", "u", 41, cutoff_date="2022-03-20", restructuring_state="SQ"),
    _loan(6, "D2", "x", 39),
]


def _thing(number: int, letter: str, key: str, value: float, **values: Any) -> Row:
    return {
        "filing_id": "DFB-1",
        "row_number": number,
        "project_code": "D1",
        "loan_key": pseudonym(letter),
        "collateral_key": pseudonym(key),
        "cutoff_date": "2022-03-31",
        "collateral_type": "ZZ",
        "valuation_cny": million(value),
    } | values


# r secures two loans, s one of them: its valuation is of the year and its seizure our own
_R: Row = {
    "is_third_party": True,
    "ranking": 2,
    "seizure_state": "WAIT",
    "valuation_date": "2020-01-01",
    "is_baojiaolou_project": True,
}
_S: Row = {
    "is_third_party": False,
    "ranking": 1,
    "seizure_state": "FIRST",
    "valuation_date": "2022-03-01",
    "is_baojiaolou_project": False,
}
COLLATERAL = [_thing(2, "u", "r", 50, **_R), _thing(3, "v", "r", 50, **_R), _thing(4, "v", "s", 20, **_S)]


def _recovery(report: str, number: int, project: str, route: str, gross: float, **values: Any) -> Row:
    return recovery(report, number, project, "2022-06-01", route, gross, **{"holder_name": INVESTOR} | values)


RECOVERIES = [
    # superseded
    _recovery("DFZ-1", 2, "D1", "COL", 50),
    _recovery("DFZ-2", 2, "D1", "COL", 5),
    _recovery("DFZ-2", 3, "D1", "SET", 1),
    _recovery("DFZ-2", 4, "D1", "DE", 0, equity_value_cny=8, tax_relief_claimed_cny=1, tax_relief_ground="DE"),
    _recovery("DFZ-2", 5, "D1", "KIND", 0, in_kind_value_cny=3),
    # one project of home delivery, reported with either package
    _recovery("DFZ-2", 6, "D1", "BJL", 2, baojiaolou_project_name="虚构 花园", homes_delivered_count=10),
    _recovery("DFZ-2", 7, "D2", "BJL", 1, baojiaolou_project_name="虚构花园", homes_delivered_count=10),
    _recovery("DFZ-2", 8, "D2", "COL", 4, tax_relief_claimed_cny=0.5, tax_relief_ground="OTH"),
]

FILINGS = [
    filing("DFB-1", "DFB", 11, known_from=LATE, decided_at=LATE, is_demo=True),
    filing("DFZ-1", "DFZ", 11, "superseded", known_from=LATE, known_to=LATER, decided_at=LATE, is_demo=True),
    filing(
        "DFZ-2",
        "DFZ",
        11,
        kind="correction",
        replaces="DFZ-1",
        sequence=2,
        known_from=LATER,
        decided_at=LATER,
        is_demo=True,
    ),
]
