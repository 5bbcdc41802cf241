"""Reading what an institution files: a folder, a ZIP or one XLSX workbook becomes tables of text.

Nothing is cast and nothing is judged here: a bad value is a finding of the checks. What can't be read at all,
and so can't be judged, is a `FilingError` that says which file, which row and what to do.
"""

import hashlib
import unicodedata
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pyarrow as pa

from expectations.spec import Standard, TableSpec
from ingest.errors import FilingError, legible
from ingest.manifest import Manifest, ManifestTable
from ingest.paths import file_digest
from ingest.read.columns import with_field_names
from ingest.read.csv_file import read_csv, store_csv
from ingest.read.json_file import read_json_lines, store_json_lines
from ingest.read.manifest_file import manifest_of_sheet, parse_manifest
from ingest.read.members import (
    BROKEN_ZIP,
    JSON_LINES,
    MANIFEST_FILE,
    XLSX,
    Member,
    is_long,
    is_streamed,
    read_folder,
    read_zip,
    refuse_crowds,
    refuse_large,
)
from ingest.read.parquet_file import read_parquet, store_parquet
from ingest.read.stored import StoredRows
from ingest.read.xlsx_file import Workbook

__all__ = ["FiledContent", "FiledTable", "StoredRows", "read_filing", "read_manifest"]

MANIFEST_SHEET = "filing"
GUIDE_SHEETS = {"说明", "填报说明", "代码表", "readme", "guide", "codes"}  # read by people, not by us
WORKBOOK_PART = "[Content_Types].xml"


@dataclass(frozen=True)
class FiledTable:
    """One table as filed.

    `rows`: `row_number` (int64; the row a spreadsheet shows, its header usually row 1, blank lines counted; of JSON
    lines the line), then one string column per filed column, named by the standard's field where the header is one,
    else as filed; cells trimmed, empty ones null; of a big file the SQL that reads them. `sha256` is that of the
    file's bytes. `encoding` is null where the format itself says it (XLSX, Parquet).
    """

    table: str
    file: str
    sha256: str
    rows: pa.Table | StoredRows
    encoding: str | None


@dataclass(frozen=True)
class FiledContent:
    """A whole filing; `manifest_bytes` is `filing.json` as filed (made from sheet `filing` for a workbook)."""

    manifest: Manifest
    manifest_bytes: bytes
    tables: tuple[FiledTable, ...]


def read_filing(path: Path, standard: Standard, spool: Path | None = None) -> FiledContent:
    """Return what is filed at a path: a folder or ZIP with `filing.json`, or one workbook with a sheet `filing`.

    Rows of big files stay in files, some of them in the folder `spool`, for as long as both are there; without one all
    rows are read into memory.

    Raises:
        FilingError: it can't be read, or the files and the manifest don't match; the institution must act.
    """
    _refuse_link(path)
    if path.is_dir():
        return _from_members(read_folder(path), standard, spool)
    if not path.is_file():
        raise FilingError(f"{legible(path.name)}：文件不存在。", f"{legible(path.name)}: no such file.")
    if zipfile.is_zipfile(path):
        if _is_workbook(path):
            return _from_workbook(path, standard, spool)
        return _from_members(read_zip(path), standard, spool)
    if path.suffix.lower() in (XLSX, ".xls"):
        return _from_workbook(path, standard, spool)
    raise FilingError(
        f"{legible(path.name)}：须为含 {MANIFEST_FILE} 的文件夹或 ZIP，或一个 XLSX 工作簿。",
        f"{legible(path.name)}: file a folder or ZIP with {MANIFEST_FILE}, or one XLSX workbook.",
    )


def _refuse_link(path: Path) -> None:
    """A link would be read as whatever it points at, the platform's own files included."""
    if path.is_symlink():
        raise FilingError(
            f"{legible(path.name)}：是一个链接。请放入文件本身。",
            f"{legible(path.name)}: a link. Put the file itself there.",
        )


def _is_workbook(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            refuse_crowds(file, legible(path.name))
            return WORKBOOK_PART in zipfile.ZipFile(file).namelist()
    except BROKEN_ZIP:
        return False


def _from_members(members: list[Member], standard: Standard, spool: Path | None) -> FiledContent:
    manifest_bytes = next(member.content for member in members if member.name == MANIFEST_FILE)
    manifest = parse_manifest(manifest_bytes)
    _check_tables(manifest, standard)
    files = _match_files(manifest, [member for member in members if member.name != MANIFEST_FILE])
    tables = tuple(_table_of(entry, files[entry.file], standard, spool) for entry in manifest.tables)
    return _consistent(FiledContent(manifest, manifest_bytes, tables), MANIFEST_FILE)


def _check_tables(manifest: Manifest, standard: Standard) -> None:
    if not manifest.tables and manifest.kind != "withdrawal":
        raise FilingError(
            f"{MANIFEST_FILE}：tables 为空，没有报送任何表。请列出数据文件。",
            f"{MANIFEST_FILE}: `tables` is empty, so nothing is filed. List the data files.",
        )
    for entry in manifest.tables:
        if entry.table not in standard.tables:
            known = "、".join(f"{name}（{spec.title.zh}）" for name, spec in standard.tables.items())
            raise FilingError(
                f"{MANIFEST_FILE}：{entry.table} 不是标准中的表。可用：{known}。",
                f"{MANIFEST_FILE}: {entry.table} is no table of the standard. "
                f"Its tables: {', '.join(standard.tables)}.",
            )
    tables, files = [entry.table for entry in manifest.tables], [entry.file for entry in manifest.tables]
    for kind, names in (("table", tables), ("file", files)):
        for name in sorted({name for name in names if names.count(name) > 1}):
            raise FilingError(
                f"{MANIFEST_FILE}：{name} 列了两次。每张表一个文件。",
                f"{MANIFEST_FILE}: {kind} {name} is listed twice. One file per table.",
            )


def _match_files(manifest: Manifest, members: list[Member]) -> dict[str, Member]:
    """Every file the manifest names; each one present, and nothing besides."""
    wanted = {entry.file for entry in manifest.tables}
    found = {next((name for name in member.names if name in wanted), member.name): member for member in members}
    beside = sorted(set(found) - wanted)
    for name in sorted(wanted - set(found)):
        alike = next((other for other in beside if _loosely(other) == _loosely(name)), None)
        if alike is not None:
            raise FilingError(
                f"{name}：{MANIFEST_FILE} 这样写，但实际文件名为“{alike}”（大小写、空格或全半角不同）。请改为一致。",
                f'{name}: so says {MANIFEST_FILE}, but the file is called "{alike}" (case, spaces or width differ). '
                "Make them equal.",
            )
        raise FilingError(
            f"{name}：{MANIFEST_FILE} 中列出的文件不存在。请放入该文件，或从 tables 中删除。",
            f"{name}: named in {MANIFEST_FILE} but not there. Add the file or take it out of `tables`.",
        )
    for name in beside:
        raise FilingError(
            f"{name}：{MANIFEST_FILE} 没有列出此文件。请列入 tables，或删除该文件。",
            f"{name}: there, but not named in {MANIFEST_FILE}. List it in `tables` or delete it.",
        )
    return found


def _loosely(name: str) -> str:
    return "".join(unicodedata.normalize("NFKC", name).split()).casefold()


def _table_of(entry: ManifestTable, member: Member, standard: Standard, spool: Path | None) -> FiledTable:
    if spool is not None and is_streamed(entry.file, member.size):
        return _stored_table(entry, member.file(spool), standard, spool)
    refuse_large(member.size, entry.file)
    if spool is not None and PurePosixPath(entry.file).suffix.lower() == XLSX:
        return _table_of_workbook(entry, member.file(spool), standard, spool)
    return _read_table(entry, member.content, standard)


def _stored_table(entry: ManifestTable, path: Path, standard: Standard, spool: Path) -> FiledTable:
    rows: pa.Table | StoredRows
    encoding = None
    if PurePosixPath(entry.file).suffix.lower() == ".parquet":
        rows, sha256 = store_parquet(path, entry.file, spool)
    elif PurePosixPath(entry.file).suffix.lower() in JSON_LINES:
        rows, encoding, sha256 = store_json_lines(path, entry.file, entry.encoding, spool)
    else:
        rows, encoding, sha256 = store_csv(path, entry.file, entry.encoding, spool)
    rows = with_field_names(rows, standard, standard.tables[entry.table], entry.file)
    return FiledTable(entry.table, entry.file, sha256, rows, encoding)


def _table_of_workbook(entry: ManifestTable, path: Path, standard: Standard, spool: Path) -> FiledTable:
    spec = standard.tables[entry.table]
    book = Workbook(path, entry.file)
    rows = with_field_names(_rows_of(book, _sheet_of(book, spec), spec, spool), standard, spec, entry.file)
    return FiledTable(entry.table, entry.file, file_digest(path), rows, None)


def _rows_of(book: Workbook, sheet: str, spec: TableSpec, spool: Path | None) -> pa.Table | StoredRows:
    """A sheet's rows; those of a long one in the folder `spool`."""
    if spool is not None and is_long(book.unpacked_size(sheet)):
        return book.stored_rows(sheet, spool / f"{spec.table}.sheet.parquet")
    return book.rows(sheet)


def _read_table(entry: ManifestTable, content: bytes, standard: Standard) -> FiledTable:
    spec = standard.tables[entry.table]
    suffix = PurePosixPath(entry.file).suffix.lower()
    encoding = None
    if suffix == ".csv":
        rows, encoding = read_csv(content, entry.file, entry.encoding)
    elif suffix in JSON_LINES:
        rows, encoding = read_json_lines(content, entry.file, entry.encoding)
    elif suffix == ".parquet":
        rows = read_parquet(content, entry.file)
    elif suffix == XLSX:
        book = Workbook(content, entry.file)
        rows = book.rows(_sheet_of(book, spec))
    else:
        raise FilingError(
            f"{entry.file}：数据文件须为 .csv、.xlsx、.parquet 或 .jsonl。",
            f"{entry.file}: data files are .csv, .xlsx, .parquet or .jsonl.",
        )
    rows = with_field_names(rows, standard, spec, entry.file)
    return FiledTable(entry.table, entry.file, hashlib.sha256(content).hexdigest(), rows, encoding)


def _sheet_of(book: Workbook, spec: TableSpec) -> str:
    """The sheet that holds the table: named after it, or the only one."""
    named = [sheet for sheet in book.sheets if sheet.strip() in (spec.table, spec.title.zh)]
    candidates = named or book.sheets
    if len(candidates) != 1:
        count = len(candidates)
        raise FilingError(
            f"{book.file}：有 {count} 个工作表可选。请把有数据的工作表命名为“{spec.title.zh}”。",
            f"{book.file}: {count} sheets to choose from. Name the one with the data {spec.table}.",
        )
    return candidates[0]


def _from_workbook(path: Path, standard: Standard, spool: Path | None) -> FiledContent:
    file = legible(path.name)
    book = Workbook(path, file)
    sha256 = file_digest(path)
    if MANIFEST_SHEET not in book.sheets:
        raise FilingError(
            f"{file}：缺少名为 {MANIFEST_SHEET} 的工作表（机构、期间等）。",
            f"{file}: no sheet named {MANIFEST_SHEET} (institution, period and so on).",
        )
    tables = tuple(
        FiledTable(
            spec.table,
            file,
            sha256,
            with_field_names(_rows_of(book, sheet, spec, spool), standard, spec, file),
            None,
        )
        for sheet, spec in _table_sheets(book, standard)
    )
    named = [(table.table, table.file) for table in tables]
    manifest = manifest_of_sheet(book.lines(MANIFEST_SHEET), named, file)
    _check_tables_of_workbook(manifest, file)
    as_file = manifest.model_dump_json(exclude_none=True, indent=2).encode() + b"\n"
    return _consistent(FiledContent(manifest, as_file, tables), file)


def _table_sheets(book: Workbook, standard: Standard) -> list[tuple[str, TableSpec]]:
    """Each table of the standard with its sheet, in the workbook's order; a sheet that nobody would read is refused."""
    specs = {name: spec for spec in standard.tables.values() for name in (spec.table, spec.title.zh)}
    found: list[tuple[str, TableSpec]] = []
    for sheet in book.sheets:
        spec = specs.get(sheet.strip())
        if spec is not None:
            if any(spec is other for _, other in found):
                raise FilingError(
                    f"{book.file}：“{spec.title.zh}”有两个工作表。请合并为一个。",
                    f"{book.file}: two sheets for {spec.table}. Make them one.",
                )
            found.append((sheet, spec))
        elif (
            sheet != MANIFEST_SHEET
            and sheet.casefold() not in GUIDE_SHEETS
            and sheet not in book.hidden
            and next(book.lines(sheet), None) is not None
        ):
            raise FilingError(
                f"{book.file}：工作表“{sheet}”不是标准中的表。请改名、隐藏或删除。可用："
                + "，".join(spec.title.zh for spec in standard.tables.values())
                + "。",
                f"{book.file}: sheet {sheet} is no table of the standard. Rename, hide or delete it. "
                f"Tables: {', '.join(standard.tables)}.",
            )
    return found


def _consistent(content: FiledContent, place: str) -> FiledContent:
    """The same content, unless it contradicts itself: one half of it would be passed over without a word."""
    kind = content.manifest.kind
    if kind == "original" and content.manifest.replaces:
        raise FilingError(
            f"{place}：类型为 original（首次），却填写了 replaces。更正请用 correction；新数据请删除 replaces。",
            f"{place}: `kind` is original, yet `replaces` names a filing. To correct it, file a correction; "
            "for new data leave `replaces` out.",
        )
    if kind == "withdrawal" and any(table.rows.num_rows for table in content.tables):
        raise FilingError(
            f"{place}：撤回报送不含数据。请删除数据；要修改数据请用 correction（更正）。",
            f"{place}: a withdrawal carries no data. Take them out, or file a correction to change data.",
        )
    return content


def _check_tables_of_workbook(manifest: Manifest, file: str) -> None:
    if not manifest.tables and manifest.kind != "withdrawal":
        raise FilingError(
            f"{file}：没有任何数据表。请把工作表命名为标准中的表名。",
            f"{file}: no table in it. Name the sheets after the tables of the standard.",
        )


def read_manifest(path: Path, standard: Standard) -> Manifest:
    """Return what a filing says of itself, without reading its tables where that can be avoided.

    Raises:
        FilingError: it has no readable manifest.
    """
    _refuse_link(path)
    if path.is_dir():
        return parse_manifest(next(member.content for member in read_folder(path) if member.name == MANIFEST_FILE))
    if path.is_file() and zipfile.is_zipfile(path) and not _is_workbook(path):
        return parse_manifest(next(member.content for member in read_zip(path) if member.name == MANIFEST_FILE))
    return read_filing(path, standard).manifest
