"""A filed worksheet as what it stands for: the filing it works on, complete, with the corrected cells.

What comes out follows from the worksheet's bytes and the base filing's alone. Whether the base is still in force, and
whether the kind is right, is for the rules about filings to say, as of any other filing.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from expectations.spec import Standard
from ingest import registry
from ingest.errors import FilingError
from ingest.landing import landed_entry
from ingest.manifest import Manifest
from ingest.read import FiledContent, FiledTable, read_filing, read_manifest
from ingest.read.members import MANIFEST_FILE
from ingest.read.worksheet import WORK_SHEET, Correction, Worksheet, read_worksheet
from ingest.reasons import answers_of, with_reason_codes

LONGEST_CHAIN = 20
"""Worksheets that each work on the one before; then the whole data must be filed again."""


def filed_content(
    path: Path, standard: Standard, folder: str | None = None, chain: int = 0, spool: Path | None = None
) -> FiledContent:
    """What is filed at a path; of a worksheet, the filing that it works on with its corrections applied.

    `folder` is whose inbox it came through; without one, that of the filing that the worksheet names. Rows of big files
    stay in files, some of them in the folder `spool`; a filing that a worksheet works on is read into memory.

    Raises:
        FilingError: it can't be read or applied; the institution must act.
    """
    worksheet = read_worksheet(path, standard)
    if worksheet is None:
        content = read_filing(path, standard, spool)
        return replace(content, manifest=with_reason_codes(content.manifest, standard, MANIFEST_FILE))
    if chain == LONGEST_CHAIN:
        raise FilingError(
            f"{worksheet.file}：连续 {LONGEST_CHAIN} 次以更正表更正。请改为报送全部数据。",
            f"{worksheet.file}: the {LONGEST_CHAIN}th worksheet in a row. File the whole data again.",
        )
    base = _base(worksheet, folder)
    content = filed_content(landed_entry(base.sha256), standard, base.folder, chain + 1)
    return applied(worksheet, content, base.filing_id, standard)


def filed_manifest(path: Path, standard: Standard, folder: str | None = None) -> Manifest:
    """What a filing says of itself; a worksheet speaks as the filing that it makes.

    Raises:
        FilingError: it has no readable manifest, or is a worksheet that can't be applied.
    """
    if read_worksheet(path, standard) is None:
        return read_manifest(path, standard)
    return filed_content(path, standard, folder).manifest


def applied(worksheet: Worksheet, base: FiledContent, filing_id: str, standard: Standard) -> FiledContent:
    """The base filing's content with the worksheet's corrections and answers.

    A base that was returned is filed again as what it was; one that was accepted is corrected.

    Raises:
        FilingError: a correction of a table, row or field that the base filing does not have.
    """
    by_table: dict[str, list[Correction]] = {}
    for correction in worksheet.corrections:
        by_table.setdefault(correction.table, []).append(correction)
    if missing := sorted(by_table.keys() - {table.table for table in base.tables}):
        first = by_table[missing[0]][0]
        raise _nowhere(worksheet, first, f"原报送没有表 {first.table}", f"the filing has no table {first.table}")
    tables = tuple(
        replace(table, rows=_corrected(worksheet, table, by_table[table.table], standard))
        if table.table in by_table
        else table
        for table in base.tables
    )
    codes = {answer.fingerprint: answer.reason_code for answer in (*base.manifest.answers, *worksheet.answers)}
    changes: dict[str, object] = {"answers": answers_of(codes.items())}
    if worksheet.verdict in registry.IN_FORCE:
        changes |= {"kind": "correction", "replaces": filing_id}
    manifest = base.manifest.model_copy(update=changes)
    as_file = manifest.model_dump_json(exclude_none=True, indent=2).encode() + b"\n"
    return FiledContent(manifest, as_file, tables)


def _base(worksheet: Worksheet, folder: str | None) -> registry.FilingRecord:
    """The filing that a worksheet works on, of the institution through whose folder the worksheet came."""
    found = registry.find(worksheet.filing_id)
    if found is None or found.sha256 != worksheet.sha256:
        raise FilingError(
            f"{worksheet.file}：此处没有登记更正表所指的报送 {worksheet.filing_id}。原文件已报送平台的，"
            "请直接向平台报送更正表（自己的机器上无法自查）；尚未报送的，请直接在原文件中修改。",
            f"{worksheet.file}: the filing {worksheet.filing_id} that this worksheet works on is not known here. "
            "If the original was filed, file the worksheet with the platform (your own machine cannot check it); "
            "what is not filed yet is mended in your own file.",
        )
    if folder is not None and found.folder != folder:
        raise FilingError(
            f"{worksheet.file}：更正表所指的报送不是本机构的。请从本机构的收件目录报送自己的更正表。",
            f"{worksheet.file}: the filing that this worksheet works on is not yours. File your own worksheet.",
        )
    return found


def _corrected(
    worksheet: Worksheet, table: FiledTable, corrections: Sequence[Correction], standard: Standard
) -> pa.Table:
    """The table's rows with these cells changed; a column that was not filed is added, in the standard's place."""
    rows = table.rows
    assert isinstance(rows, pa.Table)  # a filing that a worksheet works on is read into memory
    numbers = rows["row_number"]
    found = set(
        pc.filter(numbers, pc.is_in(numbers, pa.array({each.row for each in corrections}, pa.int64()))).to_pylist()
    )
    by_field: dict[str, dict[int, Correction]] = {}
    for correction in corrections:
        if correction.row not in found:
            raise _nowhere(
                worksheet,
                correction,
                f"{table.file} 没有第 {correction.row} 行数据",
                f"{table.file} has no data in row {correction.row}",
            )
        by_field.setdefault(correction.field, {})[correction.row] = correction
    for field, cells in by_field.items():
        place = rows.schema.get_field_index(field)
        if place < 0:
            rows = rows.append_column(field, pa.nulls(rows.num_rows, pa.string()))
            place = rows.num_columns - 1
        mask = pc.is_in(numbers, pa.array(cells, pa.int64())).combine_chunks()
        values = [cells[number].value for number in pc.filter(numbers, mask).to_pylist()]
        column = rows.column(place).combine_chunks()
        rows = rows.set_column(place, field, pc.replace_with_mask(column, mask, pa.array(values, column.type)))
    return rows


def _nowhere(worksheet: Worksheet, correction: Correction, zh: str, en: str) -> FilingError:
    return FilingError(
        f"{worksheet.file}[{WORK_SHEET}]：第 {correction.line} 行：{zh}，更正表可能已被改动。",
        f"{worksheet.file}[{WORK_SHEET}]: row {correction.line}: {en}; the worksheet may have been altered.",
    )
