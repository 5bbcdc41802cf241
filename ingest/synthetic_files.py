"""A synthetic filing as the bytes that an institution would hand in: folder, ZIP or workbook, always the same."""

import csv
import datetime
import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from expectations.compile import TRUE_WORDS
from expectations.spec import FieldSpec, Row, Standard, TableSpec
from ingest.manifest import Manifest, ManifestTable
from ingest.read.members import MANIFEST_FILE

Form = Literal["folder", "bom_folder", "zip", "workbook", "parquet", "json_lines"]
Kind = Literal["original", "correction", "withdrawal"]
SUFFIXES: dict[Form, str] = {"zip": ".zip", "workbook": ".xlsx"}
FIXED_DAY = datetime.datetime(2026, 1, 1)  # the only dates inside ZIP and XLSX: content decides the bytes
NUMBER_FORMATS = {"date": "yyyy-mm-dd", "timestamp": "yyyy-mm-dd hh:mm:ss", "integer": "0", "decimal": "0.00####"}


def _unchanged(text: str) -> str:
    return text


@dataclass(frozen=True)
class SyntheticFiling:
    """One filing: `name` is its folder or file in the inbox; `spoil` changes the finished text of its CSV files.

    Forms: `folder` UTF-8 CSV under Chinese labels, `bom_folder` UTF-8 with BOM under field names and codes, `zip`
    GB18030 CSV with CRLF under Chinese labels, `workbook` XLSX with numbers and dates as such, `parquet` a folder of
    typed Parquet, `json_lines` one of JSON lines under field names. `kind` null: a correction if it replaces something.
    """

    name: str
    institution: str
    period: str
    tables: dict[str, list[Row]]
    form: Form = "folder"
    sequence: int = 1
    replaces: str | None = None
    kind: Kind | None = None
    subject: str | None = None
    spoil: Callable[[str], str] = field(default=_unchanged)

    @property
    def entry(self) -> str:
        """What it is called in the inbox."""
        return self.name + SUFFIXES.get(self.form, "")


def contents_of(standard: Standard, filing: SyntheticFiling) -> bytes | dict[str, bytes]:
    """The bytes of a ZIP or workbook; of a folder, those of each of its files."""
    if filing.form == "workbook":
        return _workbook(standard, filing)
    files = folder_contents(standard, filing)
    return _zip(files) if filing.form == "zip" else files


def folder_contents(standard: Standard, filing: SyntheticFiling) -> dict[str, bytes]:
    """`filing.json` and one file for each table."""
    encoding = {"bom_folder": "utf-8-sig", "zip": "gb18030"}.get(filing.form, "utf-8")
    in_chinese = filing.form != "bom_folder"
    files = {}
    entries = []
    for name, rows in filing.tables.items():
        spec = standard.tables[name]
        if filing.form == "parquet":
            file, content = f"{name}.parquet", _parquet(spec, rows)
        elif filing.form == "json_lines":
            file, content = f"{name}.jsonl", _json_lines(spec, rows)
        else:
            file = f"{spec.title.zh if in_chinese else name}.csv"
            text = filing.spoil(_csv(standard, spec, rows, in_chinese))
            content = (text.replace("\n", "\r\n") if filing.form == "zip" else text).encode(encoding)
        files[file] = content
        entries.append(
            ManifestTable(
                table=name,
                file=file,
                rows=len(rows),
                sha256=hashlib.sha256(content).hexdigest(),
                encoding="gb18030" if filing.form == "zip" else None,
            )
        )
    manifest = _manifest(standard, filing, entries)
    return {MANIFEST_FILE: manifest.model_dump_json(exclude_none=True, indent=2).encode() + b"\n", **files}


def _manifest(standard: Standard, filing: SyntheticFiling, entries: Sequence[ManifestTable] = ()) -> Manifest:
    return Manifest(
        institution=filing.institution,
        period=filing.period,
        sequence=filing.sequence,
        kind=filing.kind or ("correction" if filing.replaces else "original"),
        subject=filing.subject,
        replaces=filing.replaces,
        standard_version=standard.latest_version,
        contact_channel=f"npl-desk@{filing.institution.lower()}.example",
        tables=tuple(entries),
    )


def _columns(spec: TableSpec, rows: Sequence[Row]) -> list[FieldSpec]:
    """The fields that some row fills, in the table's order, and those that every file must have."""
    return [each for each in spec.fields if each.required or any(row.get(each.name) for row in rows)]


def _csv(standard: Standard, spec: TableSpec, rows: Sequence[Row], in_chinese: bool) -> str:
    columns = _columns(spec, rows)
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow([each.zh if in_chinese else each.name for each in columns])
    for row in rows:
        writer.writerow(
            [
                _worded(standard, each, row.get(each.name)) if in_chinese else row.get(each.name) or ""
                for each in columns
            ]
        )
    return buffer.getvalue()


def _json_lines(spec: TableSpec, rows: Sequence[Row]) -> bytes:
    names = [each.name for each in _columns(spec, rows)]
    return "".join(
        json.dumps({name: row.get(name) for name in names}, ensure_ascii=False) + "\n" for row in rows
    ).encode()


def _parquet(spec: TableSpec, rows: Sequence[Row]) -> bytes:
    """Dates, numbers and booleans as such, all else as text."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {}
    for each in _columns(spec, rows):
        cells = [row.get(each.name) or None for row in rows]
        if each.base_type == "boolean":
            columns[each.name] = pa.array([cell and cell in TRUE_WORDS for cell in cells], pa.bool_())
        elif each.base_type == "date":
            columns[each.name] = pa.array([cell and datetime.date.fromisoformat(cell) for cell in cells], pa.date32())
        elif each.base_type == "integer":
            columns[each.name] = pa.array([cell and int(cell) for cell in cells], pa.int64())
        elif each.base_type == "decimal":
            scale = int(each.type.rstrip(")").split(",")[1])
            columns[each.name] = pa.array([cell and Decimal(cell) for cell in cells], pa.decimal128(38, scale))
        else:
            columns[each.name] = pa.array(cells, pa.string())
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer, compression="zstd")
    return buffer.getvalue()


def _worded(standard: Standard, spec: FieldSpec, text: str | None) -> str:
    """A cell as a clerk writes it: a code by its Chinese name."""
    codes = standard.codes[spec.code_list] if spec.code_list else ()
    return next((code.zh for code in codes if code.code == text), text or "")


def _zip(files: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    # stored, not deflated: what deflating makes depends on the machine's zlib
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name, FIXED_DAY.timetuple()[:6]), content)
    return buffer.getvalue()


def _workbook(standard: Standard, filing: SyntheticFiling) -> bytes:
    import xlsxwriter

    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True}) as book:
        formats = prepared_formats(book)
        bold = book.add_format({"bold": True})
        said = _manifest(standard, filing).model_dump(exclude_none=True, exclude={"tables"})
        sheet = book.add_worksheet("filing")
        for index, (key, value) in enumerate(said.items()):
            sheet.write_row(index, 0, [key, str(value)])
        for name, rows in filing.tables.items():
            spec = standard.tables[name]
            columns = _columns(spec, rows)
            sheet = book.add_worksheet(spec.title.zh)
            sheet.write_row(0, 0, [each.zh for each in columns], bold)
            for number, row in enumerate(rows, start=1):
                for index, each in enumerate(columns):
                    write_cell(sheet, number, index, standard, each, row.get(each.name), formats)
    return buffer.getvalue()


def prepared_formats(book: Any) -> dict[str, Any]:
    """The looks of numbers and dates in a new workbook, which gets the one day that all synthetic files bear."""
    book.set_properties({"created": FIXED_DAY})
    return {kind: book.add_format({"num_format": text}) for kind, text in NUMBER_FORMATS.items()}


def write_cell(
    sheet: Any, row: int, column: int, standard: Standard, spec: FieldSpec, text: str | None, formats: dict[str, Any]
) -> None:
    """Write numbers, dates and booleans as Excel knows them, anything else as text."""
    cell_format = formats.get(spec.base_type)
    if not text:
        return
    if spec.base_type in ("integer", "decimal"):
        sheet.write_number(row, column, float(Decimal(text)), cell_format)
    elif spec.base_type in ("date", "timestamp"):
        sheet.write_datetime(row, column, datetime.datetime.fromisoformat(text), cell_format)
    elif spec.base_type == "boolean":
        sheet.write_boolean(row, column, text in TRUE_WORDS)
    else:
        sheet.write_string(row, column, _worded(standard, spec, text))
