"""What one invented bank owed and filed, for the tiny home of the dbt project's tests: one case of timeliness a table.

The last decision of the home is of 2026-01-11 09:00 UTC. Moments are UTC: a day in China ends at 16:00.
"""

import datetime
from typing import Any

from warehouse_rows import Row, filing

BANK = "CAL"
INSTITUTIONS = [
    {
        "institution_id": BANK,
        "name_zh": "虚构历银行",
        "institution_type": "CB",
        "province_code": "330000",
        "is_demo": False,
        "valid_from": datetime.date(2000, 1, 1),
        "uscc": "",
        "name_en": "",
        "successor_id": "",
    }
]


def moment(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text)


def filed(name: str, received: str, **values: Any) -> Row:
    """A filing of the bank, decided an hour after it came."""
    at = moment(received)
    decided = at + datetime.timedelta(hours=1)
    known = None if values.get("verdict") in ("rejected", "error") else decided
    return filing(name, BANK, 1) | {"received_at": at, "decided_at": decided, "known_from": known} | values


FILINGS = [
    # in the last minute of the due day, corrected after it: on time
    filed("C-1", "2026-01-05 15:59", period="2025-11", state="superseded", known_to=moment("2026-01-10 02:00")),
    filed("C-2", "2026-01-10 01:00", period="2025-11", kind="correction", replaces="C-1", sequence=2),
    # withdrawn and filed again after the due day: late
    filed(
        "C-3", "2026-01-02 01:00", period="2025-11", sequence=3, state="withdrawn", known_to=moment("2026-01-06 01:00")
    ),
    filed("C-4", "2026-01-06 16:00", period="2025-11", sequence=4),
    filed("C-5", "2026-01-03 01:00", period="2025-11", sequence=5, verdict="rejected", state="rejected"),
    # two filings of one table in force; the second is late, the table is not
    filed("C-6", "2026-01-04 01:00", period="2025-11", sequence=6),
    filed("C-7", "2026-01-09 01:00", period="2025-11", sequence=7),
    # before it opened, and without a row
    filed("C-8", "2026-01-09 15:59", period="2025-12"),
    filed(
        "C-9", "2026-01-02 02:00", period="2025-12", sequence=2, state="withdrawn", known_to=moment("2026-01-06 01:00")
    ),
    # it could not be read at all
    filed("C-10", "2026-01-05 02:00", period="2025Q4", verdict="rejected", state="rejected"),
]


def _owed(period: str, table: str, opening: str, due: str, grace: str) -> Row:
    """Days of January 2026."""
    after = [datetime.date.fromisoformat(f"2026-01-{day}") for day in (opening, due, grace)]
    starts = [datetime.datetime.combine(day, datetime.time(16)) - datetime.timedelta(days=1) for day in after]
    is_month = period[4] == "-"
    return {
        "institution_id": BANK,
        "period": period,
        "table_name": table,
        "institution_type": "CB",
        "is_demo": False,
        "frequency": "month" if is_month else "quarter",
        "role": "seller" if is_month else "any",
        "period_start_date": datetime.date(2025, 10 if not is_month else int(period[5:]), 1),
        "period_end_date": datetime.date(2025, 11, 30) if period == "2025-11" else datetime.date(2025, 12, 31),
        "opening_date": after[0],
        "due_date": after[1],
        "grace_date": after[2],
        "opens_at": starts[0],
        "due_before": starts[1] + datetime.timedelta(days=1),
        "grace_before": starts[2] + datetime.timedelta(days=1),
        "is_provisional": False,
        "certainty": "U",
        "source": "platform rule",
    }


OBLIGATIONS = [
    _owed("2025-11", "package_notice", "01", "05", "08"),
    _owed("2025-11", "loan", "01", "05", "08"),
    _owed("2025-11", "collateral", "01", "05", "08"),
    _owed("2025-11", "transfer_result", "01", "05", "08"),
    _owed("2025-11", "recovery", "01", "05", "08"),
    _owed("2025-12", "package_notice", "10", "15", "20"),
    _owed("2025-12", "loan", "01", "15", "20"),
    _owed("2025-12", "collateral", "01", "05", "08"),
    _owed("2025-12", "transfer_result", "01", "10", "13"),
    _owed("2025-12", "recovery", "13", "15", "20"),
    _owed("2025Q4", "compliance_return", "01", "05", "08"),
]

_JUDGED = [
    ("C-1", "package_notice", "NPL-PKG-001", 4, 1),
    ("C-2", "package_notice", "NPL-PKG-001", 4, 0),
    ("C-2", "package_notice", "NPL-PKG-003", 4, 0),
    ("C-2", "package_notice", "NPL-SCH-001", 4, 2),
    ("C-3", "loan", "NPL-LOA-001", 3, 0),
    ("C-4", "loan", "NPL-LOA-001", 3, 0),
    ("C-4", "filing", "NPL-FIL-001", 1, 0),
    ("C-5", "collateral", "NPL-SCH-001", 2, 2),
    ("C-6", "recovery", "NPL-SCH-001", 2, 0),
    ("C-7", "recovery", "NPL-SCH-001", 5, 1),
    ("C-8", "package_notice", "NPL-PKG-001", 0, 0),
    ("C-9", "collateral", "NPL-SCH-001", 6, 0),
]
RULE_RESULTS = [
    {
        "filing_id": name,
        "table_name": table,
        "rule_id": rule,
        "severity": "warn",
        "category": "logical",
        "rows_judged": judged,
        "violations": violations,
    }
    for name, table, rule, judged, violations in _JUDGED
]

RULES = [
    {
        "rule_id": rule,
        "table_name": table,
        "severity": "warn",
        "category": "logical",
        "scope": "row",
        "state": state,
        "since": "1.0",
        "until": until,
        "since_date": datetime.date(2021, 1, 1),
        "until_date": datetime.date(2025, 10, 26) if until else None,
        "message_zh": "虚构规则",
        "message_en": "An invented rule",
    }
    for rule, table, state, until in [
        ("NPL-PKG-001", "package_notice", "active", None),
        ("NPL-PKG-002", "package_notice", "active", None),
        ("NPL-PKG-003", "package_notice", "active", "1.0"),
        ("NPL-LOA-001", "loan", "active", None),
        ("NPL-LOA-900", "loan", "disabled", None),
        ("NPL-SCH-001", "*", "active", None),
        ("NPL-FIL-001", "filing", "active", None),
    ]
]

WARNINGS = [
    # C-1 is superseded: its warnings are nobody's any more
    {"filing_id": "C-1", "warning_count": 10, "answered_count": 0},
    {"filing_id": "C-2", "warning_count": 2, "answered_count": 1},
    {"filing_id": "C-7", "warning_count": 2, "answered_count": 2},
]

OPERATIONS = {
    "obligations": {
        "institution_id": "VARCHAR",
        "period": "VARCHAR",
        "table_name": "VARCHAR",
        "institution_type": "VARCHAR",
        "is_demo": "BOOLEAN",
        "frequency": "VARCHAR",
        "role": "VARCHAR",
        "period_start_date": "DATE",
        "period_end_date": "DATE",
        "opening_date": "DATE",
        "due_date": "DATE",
        "grace_date": "DATE",
        "opens_at": "TIMESTAMP",
        "due_before": "TIMESTAMP",
        "grace_before": "TIMESTAMP",
        "is_provisional": "BOOLEAN",
        "certainty": "VARCHAR",
        "source": "VARCHAR",
    },
    "rules": {
        "rule_id": "VARCHAR",
        "table_name": "VARCHAR",
        "severity": "VARCHAR",
        "category": "VARCHAR",
        "scope": "VARCHAR",
        "state": "VARCHAR",
        "since": "VARCHAR",
        "until": "VARCHAR",
        "since_date": "DATE",
        "until_date": "DATE",
        "message_zh": "VARCHAR",
        "message_en": "VARCHAR",
    },
    "warnings": {"filing_id": "VARCHAR", "warning_count": "BIGINT", "answered_count": "BIGINT"},
}
ROWS = {"obligations": OBLIGATIONS, "rules": RULES, "warnings": WARNINGS}
