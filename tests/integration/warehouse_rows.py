"""What invented institutions filed, for the tiny home of the dbt project's tests: notices, transfers and the registry.

Amounts are in million yuan; what they add up to is worked out by hand in `test_dbt_project.py`.
"""

import datetime
from decimal import Decimal
from typing import Any

Row = dict[str, Any]

SELLER_A, SELLER_B, SELLER_DEMO = "虚构甲消费金融有限公司", "虚构乙银行（集团）股份有限公司", "虚构丙汽车金融有限公司"
BUYER = "虚构丁资产管理有限公司"


def million(amount: float | None) -> Decimal | None:
    return None if amount is None else Decimal(str(amount)) * 1_000_000


def notice(filing: str, number: int, seller: str, project: str, kind: str, day: str, **values: Any) -> Row:
    defaults: Row = {
        "announced_date_precision": "day",
        "source_kind": "institution",
        "precision": "exact",
        "seller_type": "CF",
        "asset_type": "XF",
        "is_relisted": kind == "RE",
    }
    money = {name: million(value) if name.endswith("_cny") else value for name, value in values.items()}
    return (
        defaults
        | {
            "filing_id": filing,
            "row_number": number,
            "notice_id": f"{project}-{kind}-{day}",
            "seller_name": seller,
            "project_code": project,
            "notice_type": kind,
            "announced_date": day,
        }
        | money
    )


def transfer(filing: str, number: int, seller: str, project: str, side: str, day: str, **values: Any) -> Row:
    defaults: Row = {
        "signed_date_precision": "day",
        "source_kind": "institution",
        "precision": "exact",
        "seller_type": "CF",
        "buyer_name": BUYER,
        "buyer_type": "LAMC",
        "asset_type": "XF",
        "transfer_mode": "DIRECT",
        "denominator_kind": "PI",
    }
    money = {name: million(value) if name.endswith("_cny") else value for name, value in values.items()}
    return (
        defaults
        | {
            "filing_id": filing,
            "row_number": number,
            "transfer_id": f"{project}-{side}",
            "seller_name": seller,
            "project_code": project,
            "filer_side": side,
            "signed_date": day,
        }
        | money
    )


NOTICES = [
    # P1: first filed wrongly, corrected, re-listed in the next quarter; the desk saw the first notice too.
    notice("A-1", 2, SELLER_A, "P1", "ZR", "2025-09-15", principal_interest_cny=1000),
    notice(
        "A-2",
        2,
        SELLER_A,
        "P1",
        "ZR",
        "2025-09-15",
        principal_cny=600,
        interest_cny=500,
        principal_interest_cny=1100,
        weighted_overdue_days=364,
        start_price_cny=110,
    ),
    notice(
        "A-3",
        2,
        SELLER_A,
        "P1",
        "RE",
        "2025-11-20",
        principal_cny=580,
        interest_cny=470,
        principal_interest_cny=1050,
        weighted_overdue_days=365,
        missing_reasons={"start_price_cny": "HIDDEN"},
    ),
    notice(
        "DESK-1",
        2,
        "虚构甲消费金融 有限公司",
        "P1",
        "ZR",
        "2025-09-15",
        principal_interest_cny=9999,
        source_kind="public_notice",
        precision="rounded",
    ),
    # P2: teased in a month, listed in another with less; P3 only teased; P5 only its re-listing seen.
    notice(
        "DESK-1",
        3,
        "虚构乙银行(集团)股份有限公司",
        "P2",
        "ZS",
        "2025-11-01",
        announced_date_precision="month",
        claim_total_cny=400,
        source_kind="public_notice",
        precision="rounded",
        seller_type="CB",
    ),
    notice(
        "B-1",
        2,
        SELLER_B,
        "P2",
        "ZR",
        "2025-12-05",
        principal_interest_cny=380,
        principal_cny=300,
        weighted_overdue_days=1825,
        seller_type="CB",
        asset_type="JY",
    ),
    notice("B-1", 3, SELLER_B, "P3", "ZS", "2025-11-03", claim_total_cny=700, seller_type="CB"),
    notice("B-1", 4, SELLER_B, "P5", "RE", "2025-12-20", principal_cny=200, interest_cny=30, seller_type="CB"),
    # P8 is listed without any amount; P4 by a seller nobody knows, by year only; P6 is known from its result alone.
    notice("B-1", 5, SELLER_B, "P8", "ZR", "2025-12-01", seller_type="CB"),
    notice(
        "DESK-1",
        4,
        "某银行(未具名)",
        "P4",
        "ZR",
        "2025-01-01",
        announced_date_precision="year",
        principal_interest_cny=50,
        source_kind="public_notice",
        precision="rounded",
        seller_type="SOB",
    ),
    notice(
        "DESK-1",
        5,
        SELLER_B,
        "P6",
        "JG",
        "2025-01-01",
        announced_date_precision="year",
        claim_total_cny=240,
        source_kind="public_notice",
        precision="rounded",
        seller_type="CB",
    ),
    # P7 is a listed company's announcement: nothing is listed by it. P10 is invented, P11 was withdrawn.
    notice(
        "DESK-1",
        6,
        SELLER_B,
        "P7",
        "SG",
        "2025-10-10",
        claim_total_cny=69833,
        source_kind="public_notice",
        precision="rounded",
        seller_type="CB",
    ),
    notice("DEMO-1", 2, SELLER_DEMO, "P10", "ZR", "2025-11-11", principal_interest_cny=5000, seller_type="AF"),
    notice("A-4", 2, SELLER_A, "P11", "ZR", "2025-11-12", principal_interest_cny=8888),
]

TRANSFERS = [
    transfer(
        "A-5", 2, SELLER_A, "P1", "seller", "2025-12-15", price_cny=105, principal_cny=580, principal_interest_cny=1050
    ),
    transfer(
        "Z-1", 2, SELLER_A, "P1", "buyer", "2025-12-15", price_cny=105, principal_cny=580, principal_interest_cny=1050
    ),
    transfer(
        "B-1",
        2,
        SELLER_B,
        "P2",
        "seller",
        "2025-12-20",
        price_cny=19,
        principal_cny=300,
        principal_interest_cny=380,
        asset_type="JY",
    ),
    transfer(
        "Z-1",
        3,
        SELLER_B,
        "P2",
        "buyer",
        "2025-12-21",
        price_cny=20,
        principal_cny=300,
        principal_interest_cny=380,
        asset_type="JY",
    ),
    transfer("Z-1", 4, SELLER_B, "P5", "buyer", "2025-12-30", price_cny=92, principal_cny=200, interest_cny=30),
    transfer(
        "DESK-1",
        2,
        SELLER_B,
        "P6",
        "observer",
        "2025-01-01",
        signed_date_precision="year",
        price_cny=72,
        claim_total_cny=240,
        source_kind="public_notice",
        denominator_kind=None,
    ),
    transfer(
        "B-1",
        3,
        SELLER_B,
        "P9",
        "seller",
        "2025-10-22",
        price_cny=900,
        principal_cny=900,
        principal_interest_cny=1000,
        transfer_mode="ABS",
    ),
    # P12: the buyer mistook the project code; parties, day and amounts say that it is one deal.
    transfer(
        "A-5", 3, SELLER_A, "P12", "seller", "2025-12-16", price_cny=30, principal_cny=100, principal_interest_cny=150
    ),
    transfer(
        "Z-1", 5, SELLER_A, "P-12", "buyer", "2025-12-16", price_cny=30, principal_cny=100, principal_interest_cny=150
    ),
]


def _at(day: int, hour: int = 8) -> datetime.datetime:
    return datetime.datetime(2026, 1, day, hour)


def filing(
    name: str, institution: str, day: int, state: str = "accepted", known_to_day: int | None = None, **values: Any
) -> Row:
    """A filing decided at nine; how many rows of it were accepted is what stands in the home."""
    return {
        "filing_id": name,
        "institution_id": institution,
        "subject_id": institution,
        "period": "2025-12",
        "sequence": 1,
        "kind": "original",
        "sha256": "0" * 64,
        "standard_version": "2.0",
        "standard_sha256": "1" * 64,
        "received_at": _at(day),
        "decided_at": _at(day, 9),
        "verdict": "accepted",
        "state": state,
        "known_from": _at(day, 9),
        "known_to": _at(known_to_day, 9) if known_to_day else None,
        "rows_held": 0,
        "principal_held_cny": 0,
        "is_demo": institution == "SLC",
    } | values


FILINGS = [
    filing("A-1", "SLA", 1, "superseded", known_to_day=2),
    filing("A-2", "SLA", 2, kind="correction", replaces="A-1", sequence=2),
    filing("A-3", "SLA", 3),
    filing("A-4", "SLA", 4, "withdrawn", known_to_day=5),
    filing("A-5", "SLA", 6),
    filing("B-1", "SLB", 7, "accepted_with_holds", verdict="accepted_with_holds", rows_held=1),
    filing("Z-1", "BYD", 8),
    filing("DESK-1", "DESK", 9),
    filing("DEMO-1", "SLC", 10),
    filing("B-2", "SLB", 11, "rejected", verdict="rejected", known_from=None, rows_held=5),
]

RULE_RESULTS = [
    {
        "filing_id": filing,
        "table_name": "package_notice",
        "rule_id": rule,
        "severity": severity,
        "category": "logical",
        "rows_judged": judged,
        "violations": violations,
    }
    for filing, rule, severity, judged, violations in [
        ("B-1", "NPL-PKG-001", "hold", 5, 1),
        ("B-1", "NPL-PKG-002", "warn", 4, 2),
        ("A-2", "NPL-PKG-001", "hold", 1, 0),
        ("B-2", "NPL-PKG-003", "reject", 5, 5),
    ]
]

COMPLETENESS = [
    {
        "filing_id": filing,
        "table_name": "package_notice",
        "field_name": name,
        "rows_filed": 5,
        "asked_count": asked,
        "nd1_count": nd1,
        "nd2_4_count": nd2_4,
        "nd5_count": 0,
        "hidden_count": 0,
        "blank_count": blank,
        "unexplained_count": unexplained,
    }
    for filing, name, asked, nd1, nd2_4, blank, unexplained in [
        ("B-1", "weighted_overdue_days", 5, 0, 1, 0, 0),
        ("B-1", "overdue_definition", 5, 1, 0, 1, 1),
        ("B-1", "seller_branch", 0, 0, 0, 5, 0),
        ("B-2", "overdue_definition", 5, 5, 0, 0, 0),
    ]
]

INSTITUTIONS = [
    {
        "institution_id": identifier,
        "name_zh": name,
        "institution_type": kind,
        "province_code": province,
        "is_demo": demo,
        "valid_from": datetime.date(2000, 1, 1),
        "uscc": "",
        "name_en": "",
        "successor_id": "",
    }
    for identifier, name, kind, province, demo in [
        ("SLA", SELLER_A, "CF", "110000", False),
        ("SLB", SELLER_B, "CB", "330000", False),
        ("SLC", SELLER_DEMO, "AF", "310000", True),
        ("BYD", BUYER, "LAMC", "310000", False),
        ("DESK", "虚构采集岗", "PLATFORM", "", False),
    ]
]

INSTITUTION_NAMES = [
    {
        "name": row["name_zh"].replace("（", "(").replace("）", ")"),
        "institution_id": row["institution_id"],
        "valid_from": datetime.date(2020, 1, 1) if row["institution_id"] == "SLB" else None,
    }
    for row in INSTITUTIONS
] + [{"name": "虚构乙城市信用社", "institution_id": "SLB", "valid_to": datetime.date(2019, 12, 31)}]
