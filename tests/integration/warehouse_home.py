"""A tiny home for the dbt project: accepted Parquet and operations exports of invented institutions, by contract.

Columns come from the standard, so a field that is added there reaches these files by itself. What was filed stands in
the modules `warehouse_*.py` beside this one.
"""

import importlib
from collections import defaultdict
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import warehouse_calendar
from warehouse_planted import planted
from warehouse_rows import Row

from expectations.spec import FieldSpec, Standard

# Each topic lists what was filed, and who files it, under the same names.
TOPICS = [
    importlib.import_module(path.stem)
    for path in sorted(Path(__file__).parent.glob("warehouse_*.py"))
    if path.stem != Path(__file__).stem
]


def rows_of(name: str) -> list[Any]:
    """What all topics say under one name."""
    return [row for topic in TOPICS for row in getattr(topic, name, ())]


_ids = [row["filing_id"] for row in rows_of("FILINGS")]
assert len(_ids) == len(set(_ids)), "two topics have a filing of one id"

ACCEPTED: dict[str, list[Row]] = {
    "package_notice": rows_of("NOTICES"),
    "transfer_result": rows_of("TRANSFERS"),
    "loan": rows_of("LOANS"),
    "collateral": rows_of("COLLATERAL"),
    "recovery": rows_of("RECOVERIES"),
    "compliance_return": rows_of("RETURNS"),
}

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
        "principal_filed_cny": "DECIMAL(38,2)",
        "principal_accepted_cny": "DECIMAL(38,2)",
        "principal_held_cny": "DECIMAL(38,2)",
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
    "eligibility": {
        "role": "VARCHAR",
        "institution_type": "VARCHAR",
        "business": "VARCHAR",
        "province_scope": "VARCHAR",
        "province_codes": "VARCHAR",
        "valid_from": "DATE",
        "valid_to": "DATE",
        "act": "VARCHAR",
        "article": "VARCHAR",
        "certainty": "VARCHAR",
        "source": "VARCHAR",
    },
    "code_lists": {"list": "VARCHAR", "code": "VARCHAR", "zh": "VARCHAR", "en": "VARCHAR", "parent": "VARCHAR"},
    "parameters": {"parameter": "VARCHAR", "value": "VARCHAR", "unit": "VARCHAR"},
    **warehouse_calendar.OPERATIONS,
}


def duckdb_type(field: FieldSpec) -> str:
    """The accepted zone's column type of a field."""
    return field.type.upper() if field.base_type == "decimal" else COLUMN_TYPES[field.base_type]


def write_table(path: Path, columns: dict[str, str], rows: list[Row]) -> None:
    """Write rows as Parquet, with exactly these columns; what a row does not say is null."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unknown = {name for row in rows for name in row} - set(columns)
    assert not unknown, f"{path.name}: not in the contract: {unknown}"
    connection = duckdb.connect()
    connection.execute(f"create table t ({', '.join(f'{name} {kind}' for name, kind in columns.items())})")
    for row in rows:
        connection.execute(f"insert into t values ({', '.join('?' * len(columns))})", [row.get(c) for c in columns])
    connection.execute(f"copy t to '{path}' (format parquet)")
    connection.close()


def _accepted(filing: str, standard: Standard) -> Row:
    """How many rows of a filing were accepted and their principal, which is what stands in the accepted zone."""
    rows = {table: [row for row in filed if row["filing_id"] == filing] for table, filed in ACCEPTED.items()}
    amounts = [
        row.get(standard.tables[table].principal_field or "") or Decimal(0) for table in rows for row in rows[table]
    ]
    return {"rows_accepted": sum(map(len, rows.values())), "principal_accepted_cny": sum(amounts, Decimal(0))}


def accepted_columns(table: str, standard: Standard) -> dict[str, str]:
    """The columns of a table in the accepted zone, with their types."""
    fields = {field.name: duckdb_type(field) for field in standard.tables[table].fields}
    return FILING_COLUMNS | fields | {"missing_reasons": "MAP(VARCHAR, VARCHAR)"}


def write_home(home: Path, standard: Standard) -> Path:
    """Write the whole fixture under `home` and return it."""
    for table, rows in ACCEPTED.items():
        columns = accepted_columns(table, standard)
        write_table(home / "accepted" / table / "empty.parquet", columns, [])
        by_filing: dict[str, list[Row]] = defaultdict(list)
        for row in rows:
            by_filing[row["filing_id"]].append(
                planted(table, standard)
                | row
                | {
                    "filing_institution": row["filing_id"].partition("-")[0],
                    "filing_period": "2025-12",
                    "standard_version": "2.0",
                }
            )
        for filing, filed in by_filing.items():
            folder = home / "accepted" / table / "period=2025-12" / f"institution={filed[0]['filing_institution']}"
            write_table(folder / f"{filing}.parquet", columns, filed)
    codes = [
        {"list": name, "code": code.code, "zh": code.zh, "en": code.en, "parent": code.parent}
        for name, listed in standard.codes.items()
        for code in listed
    ]
    parameters = [
        {"parameter": name, "value": parameter.value, "unit": parameter.unit}
        for name, parameter in standard.head.parameters.items()
    ]
    for name, rows in (
        ("filings", [row | _accepted(row["filing_id"], standard) for row in rows_of("FILINGS")]),
        ("rule_results", rows_of("RULE_RESULTS")),
        ("completeness", rows_of("COMPLETENESS")),
        ("institutions", rows_of("INSTITUTIONS")),
        ("institution_names", rows_of("INSTITUTION_NAMES")),
        ("eligibility", rows_of("ELIGIBILITY")),
        ("code_lists", codes),
        ("parameters", parameters),
        *warehouse_calendar.ROWS.items(),
    ):
        write_table(home / "operations" / f"{name}.parquet", OPERATIONS[name], rows)
    return home
