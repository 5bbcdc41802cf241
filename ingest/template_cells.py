"""What stands in a template's cells beforehand, whatever its form: headers, the filing's own values, example rows."""

import datetime
from collections.abc import Sequence

from expectations.headers import template_header
from expectations.spec import FieldSpec, Row, Standard, TableSpec
from ingest.read.manifest_file import SHEET_KEYS

FIRST_SEQUENCE = 1


def filing_values(standard: Standard, specs: Sequence[TableSpec], example: bool) -> dict[str, str]:
    """What sheet `filing` (or `filing.json`) says beforehand, by key; empty where the filer must say it."""
    given = {"kind": "original", "sequence": str(FIRST_SEQUENCE), "standard_version": standard.latest_version}
    if example:
        said: Row = {}
        for spec in standard.all_tables.values():
            said |= standard.example_row(spec.table) if spec.system else {}
        around = standard.head.examples.context
        # what the platform's own table calls the filing's kind, institution .. is what its manifest says
        given |= {key: text for key in SHEET_KEYS if (text := said.get(key))}
        given["institution"] = given.get("institution") or around.get("filing_institution") or ""
        rows_of = [spec for spec in specs if spec.table in filled(standard, specs, example)]
        given["period"] = _example_period(standard, rows_of) or given.get("period", "")
        if len(specs) == 1:
            given |= {key: text for key, text in specs[0].example_filing.items() if text}
        if given.get("subject") == given["institution"]:
            del given["subject"]  # it need not be said
    return {key: given.get(key, "") for key in SHEET_KEYS}


def filled(standard: Standard, specs: Sequence[TableSpec], example: bool) -> list[str]:
    """The tables in which the example row stands: one that is alone, else those whose examples make one filing."""
    if not example:
        return []
    together = standard.head.examples.filed_together
    return [spec.table for spec in specs if len(specs) == 1 or not together or spec.table in together]


def column_headers(standard: Standard, spec: TableSpec) -> list[str]:
    """The header row of a table's template."""
    return [template_header(standard, field) for field in spec.fields]


def example_cells(standard: Standard, spec: TableSpec) -> list[str]:
    """The standard's example row as a clerk writes it, in the order of the fields; codes by their Chinese name."""
    row = standard.example_row(spec.table)
    return [spelled(standard, field, row[field.name] or "") for field in spec.fields]


def spelled(standard: Standard, field: FieldSpec, text: str) -> str:
    """A code as its Chinese name, several of them one by one; any other text as it is."""
    if field.code_list is None:
        return text
    names = {code.code: code.zh for code in standard.codes[field.code_list]}
    parts = text.split(field.separator) if field.separator else [text]
    return (field.separator or "").join(names.get(part.strip(), part.strip()) for part in parts)


def _example_period(standard: Standard, specs: Sequence[TableSpec]) -> str:
    """The month in which the latest example row happened; without such a date, the last month of the examples."""
    rows = {spec.version_date: standard.example_row(spec.table) for spec in specs if spec.version_date}
    days = [datetime.date.fromisoformat(text) for name, row in rows.items() if (text := row[name])]
    return f"{max(days):%Y-%m}" if days else (standard.head.examples.context.get("filing_period_end") or "")[:7]
