"""Templates that institutions fill in, derived from the standard: one workbook, or a CSV for each table.

Filled with the standard's own example rows they are a filing that `npl check` accepts, so that a filer sees one first.
"""

import csv
import datetime
import io
import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Literal

from expectations.headers import template_header
from expectations.spec import FieldSpec, Row, Standard, TableSpec
from ingest.manifest import Manifest
from ingest.read.manifest_file import SHEET_KEYS
from ingest.read.members import MANIFEST_FILE

Kind = Literal["xlsx", "csv"]
TEMPLATES_FOLDER = "docs/templates"
BYTE_ORDER_MARK = "\ufeff"  # without it Excel reads UTF-8 as the system's code page
FIRST_SEQUENCE = 1


@lru_cache(maxsize=4)
def committed_templates(standard: Standard) -> Mapping[str, bytes]:
    """The templates that lie in the project: path within it, and bytes."""
    tables = list(standard.tables)
    templates = {
        **{f"{TEMPLATES_FOLDER}/{name}": data for name, data in template_files(standard, tables, "xlsx").items()},
        **{f"{TEMPLATES_FOLDER}/csv/{name}": data for name, data in template_files(standard, tables, "csv").items()},
    }
    return MappingProxyType(templates)


def template_files(standard: Standard, tables: Sequence[str], kind: Kind, example: bool = False) -> dict[str, bytes]:
    """File name and bytes of each template; the same standard gives the same bytes.

    `xlsx` is one workbook; `csv` is a file for each table and the `filing.json` that goes with them. With `example`
    the standard's example rows stand in them.
    """
    specs = [standard.tables[name] for name in tables]
    if kind == "xlsx":
        from ingest.template_workbook import workbook

        name = specs[0].table if len(specs) == 1 else standard.head.name
        return {f"{name}.xlsx": workbook(standard, specs, example)}
    with_example = filled(standard, specs, example)
    files = {f"{spec.table}.csv": _csv(standard, spec, spec.table in with_example) for spec in specs}
    return {MANIFEST_FILE: _manifest(standard, specs, example), **files}


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


def _csv(standard: Standard, spec: TableSpec, example: bool) -> bytes:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(column_headers(standard, spec))
    if example:
        writer.writerow(example_cells(standard, spec))
    return (BYTE_ORDER_MARK + buffer.getvalue()).encode()


def _manifest(standard: Standard, specs: Sequence[TableSpec], example: bool) -> bytes:
    """`filing.json`; what only the filer knows stands in it as empty text."""
    always = {name for name, field in Manifest.model_fields.items() if field.is_required()}
    said = {key: text for key, text in filing_values(standard, specs, example).items() if text or key in always}
    tables = [{"table": spec.table, "file": f"{spec.table}.csv"} for spec in specs]
    return (
        json.dumps({**said, "sequence": FIRST_SEQUENCE, "tables": tables}, ensure_ascii=False, indent=2) + "\n"
    ).encode()
