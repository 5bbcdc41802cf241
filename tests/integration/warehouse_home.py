"""A tiny home for the dbt project: accepted Parquet and operations exports of invented institutions, by contract.

Columns come from the standard, so a field that is added there reaches these files by itself. Amounts below are in
million yuan; what they add up to is worked out by hand in `test_dbt_project.py`.
"""

import datetime
from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from expectations.spec import FieldSpec, Standard

Row = dict[str, Any]

COLUMN_TYPES = {
    "text": "VARCHAR",
    "code": "VARCHAR",
    "date": "DATE",
    "timestamp": "TIMESTAMP",
    "integer": "BIGINT",
    "boolean": "BOOLEAN",
}
FILING_COLUMNS = {
    "filing_id": "VARCHAR",
    "filing_institution": "VARCHAR",
    "filing_period": "VARCHAR",
    "row_number": "BIGINT",
    "standard_version": "VARCHAR",
}
OPERATIONS = {
    "filings": {
        "filing_id": "VARCHAR",
        "institution_id": "VARCHAR",
        "subject_id": "VARCHAR",
        "period": "VARCHAR",
        "sequence": "BIGINT",
        "kind": "VARCHAR",
        "replaces": "VARCHAR",
        "sha256": "VARCHAR",
        "standard_version": "VARCHAR",
        "standard_sha256": "VARCHAR",
        "received_at": "TIMESTAMP",
        "decided_at": "TIMESTAMP",
        "verdict": "VARCHAR",
        "state": "VARCHAR",
        "known_from": "TIMESTAMP",
        "known_to": "TIMESTAMP",
        "rows_filed": "BIGINT",
        "rows_accepted": "BIGINT",
        "rows_held": "BIGINT",
        "is_demo": "BOOLEAN",
    },
    "rule_results": {
        "filing_id": "VARCHAR",
        "table_name": "VARCHAR",
        "rule_id": "VARCHAR",
        "severity": "VARCHAR",
        "category": "VARCHAR",
        "rows_judged": "BIGINT",
        "violations": "BIGINT",
    },
    "completeness": {
        "filing_id": "VARCHAR",
        "table_name": "VARCHAR",
        "field_name": "VARCHAR",
        "rows_filed": "BIGINT",
        "asked_count": "BIGINT",
        "nd1_count": "BIGINT",
        "nd2_4_count": "BIGINT",
        "nd5_count": "BIGINT",
        "hidden_count": "BIGINT",
        "blank_count": "BIGINT",
        "unexplained_count": "BIGINT",
    },
    "institutions": {
        "institution_id": "VARCHAR",
        "name_zh": "VARCHAR",
        "name_en": "VARCHAR",
        "institution_type": "VARCHAR",
        "province_code": "VARCHAR",
        "uscc": "VARCHAR",
        "valid_from": "DATE",
        "valid_to": "DATE",
        "successor_id": "VARCHAR",
        "aliases": "VARCHAR",
        "is_demo": "BOOLEAN",
        "source": "VARCHAR",
    },
    "institution_names": {"name": "VARCHAR", "institution_id": "VARCHAR", "valid_from": "DATE", "valid_to": "DATE"},
    "code_lists": {"list": "VARCHAR", "code": "VARCHAR", "zh": "VARCHAR", "en": "VARCHAR", "parent": "VARCHAR"},
}

SELLER_A, SELLER_B, SELLER_DEMO = "虚构甲消费金融有限公司", "虚构乙银行（集团）股份有限公司", "虚构丙汽车金融有限公司"
BUYER = "虚构丁资产管理有限公司"


def duckdb_type(field: FieldSpec) -> str:
    """The accepted zone's column type of a field."""
    return field.type.upper() if field.base_type == "decimal" else COLUMN_TYPES[field.base_type]


def million(amount: float | None) -> Decimal | None:
    return None if amount is None else Decimal(str(amount)) * 1_000_000


def _write(path: Path, columns: dict[str, str], rows: list[Row]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    unknown = {name for row in rows for name in row} - set(columns)
    assert not unknown, f"{path.name}: not in the contract: {unknown}"
    connection = duckdb.connect()
    connection.execute(f"create table t ({', '.join(f'{name} {kind}' for name, kind in columns.items())})")
    for row in rows:
        connection.execute(f"insert into t values ({', '.join('?' * len(columns))})", [row.get(c) for c in columns])
    connection.execute(f"copy t to '{path}' (format parquet)")
    connection.close()


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
        "2025-12-22",
        price_cny=900,
        principal_cny=900,
        principal_interest_cny=1000,
        transfer_mode="ABS",
    ),
]


def _at(day: int, hour: int = 8) -> datetime.datetime:
    return datetime.datetime(2026, 1, day, hour)


def _filing(filing: str, institution: str, day: int, state: str = "accepted", **values: Any) -> Row:
    return {
        "filing_id": filing,
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
        "rows_filed": 5,
        "rows_accepted": 5,
        "rows_held": 0,
        "is_demo": institution == "SLC",
    } | values


FILINGS = [
    _filing("A-1", "SLA", 1, "superseded", known_to=_at(2, 9)),
    _filing("A-2", "SLA", 2, kind="correction", replaces="A-1", sequence=2),
    _filing("A-3", "SLA", 3),
    _filing("A-4", "SLA", 4, "withdrawn", known_to=_at(5, 9)),
    _filing("A-5", "SLA", 6),
    _filing("B-1", "SLB", 7, "accepted_with_holds", verdict="accepted_with_holds", rows_held=1, rows_accepted=4),
    _filing("Z-1", "BYD", 8),
    _filing("DESK-1", "DESK", 9),
    _filing("DEMO-1", "SLC", 10),
    _filing("B-2", "SLB", 11, "rejected", verdict="rejected", known_from=None, rows_accepted=0),
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


def write_home(home: Path, standard: Standard) -> Path:
    """Write the whole fixture under `home` and return it."""
    for table, rows in (("package_notice", NOTICES), ("transfer_result", TRANSFERS)):
        fields = {field.name: duckdb_type(field) for field in standard.tables[table].fields}
        columns = FILING_COLUMNS | fields | {"missing_reasons": "MAP(VARCHAR, VARCHAR)"}
        _write(home / "accepted" / table / "empty.parquet", columns, [])
        by_filing: dict[str, list[Row]] = defaultdict(list)
        for row in rows:
            by_filing[row["filing_id"]].append(
                row
                | {
                    "filing_institution": row["filing_id"].partition("-")[0],
                    "filing_period": "2025-12",
                    "standard_version": "2.0",
                }
            )
        for filing, filed in by_filing.items():
            folder = home / "accepted" / table / "period=2025-12" / f"institution={filed[0]['filing_institution']}"
            _write(folder / f"{filing}.parquet", columns, filed)
    codes = [
        {"list": name, "code": code.code, "zh": code.zh, "en": code.en, "parent": code.parent}
        for name, listed in standard.codes.items()
        for code in listed
    ]
    for name, rows in (
        ("filings", FILINGS),
        ("rule_results", RULE_RESULTS),
        ("completeness", COMPLETENESS),
        ("institutions", INSTITUTIONS),
        ("institution_names", INSTITUTION_NAMES),
        ("code_lists", codes),
    ):
        _write(home / "operations" / f"{name}.parquet", OPERATIONS[name], rows)
    return home
