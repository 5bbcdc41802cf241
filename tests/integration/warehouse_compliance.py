"""Compliance returns of invented institutions, for the tiny home of the dbt project's tests.

A files two quarters, the second first wrongly; B files one and withdraws another. Counts are small enough
to add by hand in `test_compliance_tables.py`.
"""

from decimal import Decimal
from typing import Any

from warehouse_rows import SELLER_A, SELLER_B, Row, filing

COLLECTOR, OTHER_COLLECTOR = "虚构催收服务有限公司", "虚构第二催收有限公司"
Q3, Q4 = ("2025-07-01", "2025-09-30"), ("2025-10-01", "2025-12-31")


def answer(report: str, number: int, name: str, period: tuple[str, str], item: str, **values: Any) -> Row:
    first, last = period
    return {
        "filing_id": report,
        "row_number": number,
        "institution_name": name,
        "period_start_date": first,
        "period_end_date": last,
        "item": item,
    } | values


def complaints(opened: int, received: int, resolved: int) -> Row:
    return {
        "complaint_open_count": opened,
        "complaint_received_count": received,
        "complaint_resolved_count": resolved,
    }


def licence(first: str | None, last: str | None) -> Row:
    return {
        "licence_number": "CS-310000-2024-0017",
        "licence_authority": "虚构市地方金融管理局",
        "licence_valid_from_date": first,
        "licence_valid_to_date": last,
    }


def placed(accounts: int, amount: int) -> Row:
    return {"placed_account_count": accounts, "placed_amount_cny": Decimal(amount) * 1_000_000}


RETURNS = [
    # A, third quarter
    answer("R-1", 2, SELLER_A, Q3, "CP_WAY", **complaints(2, 10, 9)),
    answer("R-1", 3, SELLER_A, Q3, "VC_FORCE", incident_count=1),
    answer("R-1", 4, SELLER_A, Q3, "ST_COL", staff_count=10, qualified_staff_count=10),
    # A, fourth quarter: filed wrongly, then corrected
    answer("R-2", 2, SELLER_A, Q4, "CP_WAY", **complaints(3, 99, 0)),
    answer("R-3", 2, SELLER_A, Q4, "CP_WAY", **complaints(4, 7, 11)),
    answer(
        "R-3",
        3,
        SELLER_A,
        Q4,
        "OUT",
        subject_name=COLLECTOR,
        incident_count=2,
        action_taken="RECT",
        **licence("2024-03-01", "2025-12-30"),
        **placed(300, 6),
        **complaints(0, 6, 2),
    ),
    answer(
        "R-3",
        4,
        SELLER_A,
        Q4,
        "OUT",
        subject_name=OTHER_COLLECTOR,
        incident_count=0,
        **licence("2025-11-01", None),
        **placed(100, 2),
        **complaints(0, 0, 0),
    ),
    answer("R-3", 5, SELLER_A, Q4, "VC_FORCE", incident_count=2, action_taken="RECT"),
    answer("R-3", 6, SELLER_A, Q4, "ST_COL", staff_count=12, qualified_staff_count=9),
    answer("R-3", 7, SELLER_A, Q4, "ST_LAW", staff_count=0, qualified_staff_count=0),
    answer(
        "R-3",
        8,
        SELLER_A,
        Q4,
        "DD_RES",
        duty_due_count=10,
        duty_met_count=7,
        duty_late_count=2,
        duty_missing_count=0,
        remarks="一项尚在核对",
    ),
    answer(
        "R-3",
        9,
        SELLER_A,
        Q4,
        "TECH",
        subject_name="虚构估值模型一",
        data_used="TAPE;COURT",
        priced_package_count=5,
        human_reviewed_package_count=2,
        missing_reasons={"model_registration_number": "ND4-2026-06-30"},
    ),
    answer("R-3", 10, SELLER_A, Q4, "TAX", tax_relief_claimed_cny=Decimal(5_000_000), tax_relief_project_count=2),
    # B: the same collector under another width of space; what was withdrawn counts nowhere
    answer(
        "R-4",
        2,
        SELLER_B,
        Q4,
        "OUT",
        subject_name=COLLECTOR + " ",
        incident_count=0,
        **licence(None, None),
        **placed(50, 1),
        **complaints(0, 1, 1),
    ),
    answer("R-5", 2, SELLER_B, Q4, "CP_WAY", **complaints(0, 77, 0)),
]

FILINGS = [
    filing("R-1", "SLA", 10),
    filing("R-2", "SLA", 10, "superseded", known_to_day=11),
    filing("R-3", "SLA", 11, kind="correction", replaces="R-2", sequence=2),
    filing("R-4", "SLB", 10),
    filing("R-5", "SLB", 10, "withdrawn", known_to_day=11),
]
