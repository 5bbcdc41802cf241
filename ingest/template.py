"""Templates that institutions fill in, derived from the standard: one workbook, or a CSV for each table.

Filled with the standard's own example rows they are a filing that `npl check` accepts, so that a filer sees one first.
"""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Literal

from expectations.spec import Standard, TableSpec
from ingest.manifest import Manifest
from ingest.read.members import MANIFEST_FILE
from ingest.template_cells import FIRST_SEQUENCE, column_headers, example_cells, filing_values, filled
from ingest.template_workbook import workbook

Kind = Literal["xlsx", "csv"]
TEMPLATES_FOLDER = "docs/templates"
BYTE_ORDER_MARK = "\ufeff"  # without it Excel reads UTF-8 as the system's code page


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
        name = specs[0].table if len(specs) == 1 else standard.head.name
        return {f"{name}.xlsx": workbook(standard, specs, example)}
    with_example = filled(standard, specs, example)
    files = {f"{spec.table}.csv": _csv(standard, spec, spec.table in with_example) for spec in specs}
    return {MANIFEST_FILE: _manifest(standard, specs, example), **files}


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
