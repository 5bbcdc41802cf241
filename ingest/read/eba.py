"""EBA-coded CSV files (headers are the codes, one file per template) turned into a filing of `loan` and `collateral`.

Names, ids and addresses have no field here and are left behind; keys become pseudonyms, birth dates age bands. What is
left behind is told column by column, and a choice that has no code of ours is told with its number of cells.
"""

import csv
import hashlib
import io
import os
import secrets
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from expectations.spec import Bilingual, Standard
from ingest.eba import crosswalk, eba_fields, full_code
from ingest.errors import FilingError
from ingest.manifest import Manifest, ManifestTable
from ingest.paths import write_bytes, write_folder
from ingest.read.csv_file import read_csv
from ingest.read.eba_translate import COLLATERAL, CURRENCY, CUTOFF, LOAN, LOAN_ID, YES, Cells, EbaFiling, Translator
from ingest.read.members import MANIFEST_FILE

BORROWER_ID, PROTECTION_ID, MORTGAGE_ID = "1.02", "4.00", "4.43"
RELATED_BORROWER, RELATED_LOAN, RELATED_MORTGAGE, RELATED_PROTECTION = "2.00", "2.01", "2.02", "2.03"
ROLE, PROTECTION_CURRENCY, ENFORCED = "1.05", "4.18", "4.29"
KEY_FILE, COLUMNS_FILE = "pseudonym.key", "eba_columns.csv"
MOST_SHOWN = 10
JOINING = (RELATED_BORROWER, RELATED_LOAN, RELATED_MORTGAGE, RELATED_PROTECTION)
JOINED = Bilingual(zh="用来把贷款、借款人和押品相连。", en="Joins loans, borrowers and collateral.")
ELSEWHERE = Bilingual(
    zh="导入只生成贷款和押品明细；回收由持有人逐月报送。",
    en="The import makes loans and collateral; recoveries are filed month by month by the holder.",
)
PARTLY = Bilingual(
    zh="值无对应代码、金额缺汇率、同一字段已由另一列填写，或没有关联的贷款",
    en="no code for the value, no rate for the amount, another column filled the field, or no loan is related to it",
)


@dataclass
class Column:
    """One column as it was found: cells with content, those that reached our tables, and where or why not."""

    file: str
    header: str
    code: str | None
    cells: int
    target: str = ""
    imported: int = 0
    zh: str = ""
    en: str = ""


@dataclass
class EbaImport:
    """What was written and what was not; `unread` counts choices and amounts that could not be translated."""

    folder: Path
    rows: dict[str, int]
    columns: list[Column]
    unread: Counter[tuple[str, str]]
    unlinked: int

    @property
    def left_behind(self) -> list[Column]:
        return [column for column in self.columns if column.cells > column.imported]

    def to_text(self) -> str:
        """For a terminal: rows made, columns that carry a field of ours and did not wholly arrive, and what to read."""
        counts = "，".join(f"{table} {rows}" for table, rows in self.rows.items())
        lines = [f"{self.folder}：{counts}"]
        if partly := [column for column in self.left_behind if column.en == PARTLY.en]:
            lines.append(f"未全部导入的列 Columns not wholly imported（{PARTLY.zh} · {PARTLY.en}）：")
            lines += [
                f"  {each.file} {each.code} -> {each.target}  {each.imported}/{each.cells}{self._unread_of(each)}"
                for each in partly
            ]
        others = len(self.left_behind) - len(partly)
        lines.append(f"标准不收或另行报送的列 {others} 个 · {others} columns that are not taken, or filed elsewhere")
        if self.unlinked:
            lines.append(f"没有关联贷款的押品 {self.unlinked} 件 · {self.unlinked} things that secure no loan here")
        return "\n".join([*lines, f"逐列去向 What became of each column：{self.folder.parent / COLUMNS_FILE}"]) + "\n"

    def _unread_of(self, column: Column) -> str:
        told = unread_values(self.unread, column.code)
        return f"  {told}" if told else ""


def unread_values(unread: Mapping[tuple[str, str], int], code: str | None) -> str:
    """The values of a code that nothing of ours stands for, each with its number of cells; texts of people are `…`."""
    values = sorted((text, count) for (of_code, text), count in unread.items() if of_code == code)
    return "; ".join(f"{text or '…'} x{count}" for text, count in values[:MOST_SHOWN])


def own_key(out: Path) -> bytes:
    """The key kept beside the import; made once, so that a rerun gives the same pseudonyms."""
    path = out / KEY_FILE
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as handle:
            handle.write(secrets.token_hex(32).encode())
    return path.read_bytes()


def import_eba(source: Path, out: Path, filing: EbaFiling, standard: Standard) -> EbaImport:
    """Write `<out>/<institution>-<project>/` (a filing) and `<out>/eba_columns.csv`; return what became of each column.

    Raises:
        FilingError: no CSV, no loan template, or a file that can't be read.
    """
    columns, rows = _read(source)
    loans = _by(rows, LOAN_ID)
    if not loans:
        raise FilingError(
            f"{source.name}：没有含 {LOAN_ID} 列的贷款文件。", f"{source.name}: no file with loans (column {LOAN_ID})."
        )
    translator = Translator(standard, filing)
    loan_rows, collateral_rows, unlinked = _joined(rows, loans)
    tables = {
        LOAN: [translator.row(LOAN, cells) for cells in loan_rows],
        COLLATERAL: [translator.row(COLLATERAL, cells) for cells in collateral_rows],
    }
    _tell(columns, translator, standard)
    folder = _write(out, filing, tables, standard)
    write_bytes(out / COLUMNS_FILE, _columns_csv(columns, translator.unread))
    return EbaImport(folder, {name: len(each) for name, each in tables.items()}, columns, translator.unread, unlinked)


def _read(source: Path) -> tuple[list[Column], list[Cells]]:
    """Every column of every CSV, and every row as cells by EBA code."""
    columns: list[Column] = []
    rows: list[Cells] = []
    for path in sorted(source.glob("*.csv")):
        table, _ = read_csv(path.read_bytes(), path.name)
        codes = {header: full_code(header) for header in table.column_names[1:]}
        for header, code in codes.items():
            filled = table.num_rows - table.column(header).null_count
            columns.append(Column(path.name, header, code, filled))
        rows += [{code: row[header] for header, code in codes.items() if code} for row in table.to_pylist()]
    return columns, rows


def _by(rows: Iterable[Cells], code: str) -> dict[str, Cells]:
    """Rows of the template that a code identifies; the first row of an identifier stays."""
    found: dict[str, Cells] = {}
    for row in rows:
        if identifier := row.get(code):
            found.setdefault(identifier, row)
    return found


def _joined(rows: list[Cells], loans: dict[str, Cells]) -> tuple[list[Cells], list[Cells], int]:
    """A row per loan with its borrower's cells, a row per loan and thing, and how many things secure no loan here."""
    borrowers, protections, mortgages = (_by(rows, code) for code in (BORROWER_ID, PROTECTION_ID, MORTGAGE_ID))
    owed: dict[str, list[str]] = {}
    mortgage_of: dict[str, str] = {}
    secured: dict[tuple[str, str], str | None] = {}
    for row in rows:
        loan, borrower = row.get(RELATED_LOAN), row.get(RELATED_BORROWER)
        thing, mortgage = row.get(RELATED_PROTECTION), row.get(RELATED_MORTGAGE)
        if loan and borrower:
            owed.setdefault(loan, []).append(borrower)
        if thing and mortgage:
            mortgage_of[thing] = mortgage
        if loan and (thing or mortgage):
            secured[(loan, thing or mortgage or "")] = mortgage
    loan_rows = []
    for identifier, loan_cells in loans.items():
        known = [borrowers.get(each, {BORROWER_ID: each}) for each in owed.get(identifier, ())]
        borrower_cells = next((each for each in known if "borrower" in (each.get(ROLE) or "borrower").lower()), {})
        pledged = [protections.get(thing, {}) for loan, thing in secured if loan == identifier]
        enforced = [text for each in pledged if (text := each.get(ENFORCED))]
        told = next((text for text in enforced if text.lower() in YES), next(iter(enforced), None))
        loan_rows.append({**borrower_cells, **loan_cells, ENFORCED: told})
    things = [
        {
            **protections.get(thing, {PROTECTION_ID: thing}),
            **mortgages.get(mortgage or mortgage_of.get(thing, ""), {}),
            LOAN_ID: loan,
            CUTOFF: loans[loan].get(CUTOFF),
            CURRENCY: protections.get(thing, {}).get(PROTECTION_CURRENCY) or loans[loan].get(CURRENCY),
        }
        for (loan, thing), mortgage in secured.items()
        if loan in loans
    ]
    linked = {thing for loan, thing in secured if loan in loans}
    return loan_rows, things, len(set(protections) - linked)


def _tell(columns: list[Column], translator: Translator, standard: Standard) -> None:
    carried = crosswalk(standard)
    for column in columns:
        code = column.code
        if code is None:
            column.zh, column.en = "不是 EBA 字段代码。", "Not a code of the EBA's fields."
        elif code in JOINING:
            column.imported, column.zh, column.en = column.cells, JOINED.zh, JOINED.en
        elif code in carried:
            column.target = "、".join(f"{table}.{spec.name}" for table, spec in carried[code])
            column.imported = min(column.cells, sum(translator.taken[(table, code)] for table, _ in carried[code]))
            if {table for table, _ in carried[code]} - {LOAN, COLLATERAL}:
                column.zh, column.en = ELSEWHERE.zh, ELSEWHERE.en
            elif column.imported < column.cells:
                column.zh, column.en = PARTLY.zh, PARTLY.en
        else:
            column.zh, column.en = eba_fields()[code].not_filed_zh, eba_fields()[code].not_filed_en


def _columns_csv(columns: list[Column], unread: Counter[tuple[str, str]]) -> bytes:
    """Every column with what became of it, and the values that nothing of ours stands for."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(["file", "header", "code", "name", "cells", "imported", "target", "zh", "en", "unread_values"])
    for each in columns:
        name = eba_fields()[each.code].name if each.code else ""
        told = unread_values(unread, each.code)
        header = each.code or ascii(each.header)[1:-1]
        writer.writerow(
            [each.file, header, each.code or "", name, each.cells, each.imported, each.target, each.zh, each.en, told]
        )
    return buffer.getvalue().encode("utf-8-sig")


def _write(out: Path, filing: EbaFiling, tables: dict[str, list[Cells]], standard: Standard) -> Path:
    """The filing's folder, whole or not at all."""
    contents = {f"{name}.csv": _csv(rows, name, standard) for name, rows in tables.items() if rows}
    cutoff = max((row.get("cutoff_date") or "" for row in tables[LOAN]), default="")
    try:
        manifest = Manifest(
            institution=filing.institution,
            period=cutoff[:7],
            sequence=filing.sequence,
            kind="original",
            tables=tuple(
                ManifestTable(
                    table=name.removesuffix(".csv"),
                    file=name,
                    rows=len(tables[name.removesuffix(".csv")]),
                    sha256=hashlib.sha256(content).hexdigest(),
                )
                for name, content in contents.items()
            ),
        )
    except ValidationError as error:
        names = ", ".join(str(each["loc"][0]) for each in error.errors())
        raise FilingError(
            f"无法写出 filing.json（{names}）：机构须为大写字母和数字，{CUTOFF} 须为 YYYY-MM-DD。",
            f"No filing.json ({names}): an institution is capital letters and digits, {CUTOFF} is YYYY-MM-DD.",
        ) from error
    contents[MANIFEST_FILE] = manifest.model_dump_json(exclude_none=True, indent=2).encode() + b"\n"
    folder = out / f"{filing.institution}-{filing.project_code}"
    write_folder(folder, contents)
    return folder


def _csv(rows: list[Cells], table: str, standard: Standard) -> bytes:
    """Field names as headers, every required field even where nothing fills it: the filer sees what is to be added."""
    used = [
        each.name for each in standard.tables[table].fields if each.required or any(row.get(each.name) for row in rows)
    ]
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(used)
    writer.writerows([row.get(name) or "" for name in used] for row in rows)
    return buffer.getvalue().encode("utf-8")
