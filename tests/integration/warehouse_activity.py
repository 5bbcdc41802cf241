"""What invented institutions filed of the last quarter of 2024, for the market tables of the dbt project's tests.

Three packages were listed: K1 twice, and sold by bank E on the 90th day; K2 by bank G, which merged into E since, at
a supermarket, its sale filed by the buyer alone; K3 is still unsold. K4 is known from a notice of its sale, which names
no seller and no day. Amounts are in million yuan; sums by hand stand in `test_market_tables.py`.
"""

from typing import Any

from warehouse_rows import BUYER, Row, filing, notice, transfer

BANK, MERGED_BANK, NATIONAL_BUYER = "虚构己银行股份有限公司", "虚构庚银行股份有限公司", "虚构辛金融资产管理有限公司"

INSTITUTIONS = [
    {"institution_id": identifier, "name_zh": name, "institution_type": kind, "is_demo": False, **values}
    for identifier, name, kind, values in [
        ("SLE", BANK, "SOB", {"province_code": "110000"}),
        ("SLG", MERGED_BANK, "CB", {"province_code": "330000", "successor_id": "SLE"}),
        ("BYN", NATIONAL_BUYER, "NAMC", {"province_code": "110000"}),
    ]
]
INSTITUTION_NAMES = [{"name": row["name_zh"], "institution_id": row["institution_id"]} for row in INSTITUTIONS]

_K1: Row = {"seller_type": "SOB", "principal_cny": 200, "principal_interest_cny": 400}
_K2: Row = {"seller_type": "CB", "asset_type": "XK", "principal_cny": 250, "principal_interest_cny": 300}
_SALE: Row = {"settled_date": "2025-01-09", "registered_date": "2025-01-19"}
_REGISTRY: Row = {"transfer_platform": "A", "registration_platform": "A"}


def _k1(report: str, number: int, side: str) -> Row:
    values: dict[str, Any] = _K1 | _SALE | _REGISTRY | {"buyer_name": NATIONAL_BUYER, "buyer_type": "NAMC"}
    return transfer(report, number, BANK, "K1", side, "2024-12-30", price_cny=40, **values)


NOTICES = [
    notice(
        "E-1",
        2,
        BANK,
        "K1",
        "ZR",
        "2024-10-01",
        cutoff_date="2024-08-01",
        weighted_overdue_days=100,
        listing_channel="YD",
        **_K1,
    ),
    notice(
        "E-1",
        3,
        BANK,
        "K1",
        "RE",
        "2024-11-19",
        cutoff_date="2024-10-30",
        weighted_overdue_days=120,
        listing_channel="YD",
        **_K1,
    ),
    notice(
        "G-1",
        2,
        MERGED_BANK,
        "K2",
        "ZR",
        "2024-10-10",
        weighted_overdue_days=2000,
        listing_channel="SM",
        share_size_cny=1,
        **_K2,
    ),
    notice(
        "E-1",
        4,
        BANK,
        "K3",
        "ZR",
        "2024-10-20",
        seller_type="SOB",
        asset_type="DGN",
        principal_interest_cny=300,
        listing_channel="EX",
    ),
]

TRANSFERS = [
    _k1("E-1", 2, "seller"),
    _k1("N-1", 2, "buyer"),
    transfer(
        "Z-4",
        2,
        MERGED_BANK,
        "K2",
        "buyer",
        "2024-11-09",
        price_cny=6,
        buyer_name=BUYER,
        transfer_platform="Z",
        registration_platform="Z",
        **_K2,
    ),
    transfer(
        "DESK-2",
        2,
        "某银行(未具名)",
        "K4",
        "observer",
        "2024-12-01",
        signed_date_precision="month",
        price_cny=5,
        principal_interest_cny=100,
        asset_type="JY",
        buyer_name=NATIONAL_BUYER,
        buyer_type="NAMC",
        source_kind="public_notice",
    ),
]

FILINGS = [
    filing("E-1", "SLE", 10),
    filing("G-1", "SLG", 10),
    filing("N-1", "BYN", 10),
    filing("Z-4", "BYD", 10),
    filing("DESK-2", "DESK", 10),
]
