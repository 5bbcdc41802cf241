"""Synthetic loan tapes of any length: a file of the standard's `loan` table, what is wrong in it, and its sums.

`loan_rows` gives a small tape as rows, for filings that `ingest.synthetic_files` writes; `write_tape` writes a file of
any size in any format the platform reads, part by part; `write_tape_filing` a whole filing around it.
"""

import codecs
import csv
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Literal

import pyarrow as pa

from expectations.compile import kind_of, sql_text
from expectations.spec import FieldSpec, Row, Standard, TableSpec
from ingest.manifest import Manifest, ManifestTable
from ingest.paths import file_digest, temporary_beside
from ingest.read.members import MANIFEST_FILE
from ingest.synthetic_defects import DEFECTS, Defect, Planted, plant
from ingest.synthetic_files import prepared_formats, write_cell
from ingest.synthetic_loans import LOANS_AT_A_TIME, Draws, Summary, TapeShape, loans_of

TapeForm = Literal["csv", "gb18030", "parquet", "jsonl", "xlsx"]
SUFFIXES: dict[TapeForm, str] = {
    "csv": "csv",
    "gb18030": "csv",
    "parquet": "parquet",
    "jsonl": "jsonl",
    "xlsx": "xlsx",
}
ENCODINGS: dict[TapeForm, Literal["utf-8", "gb18030"]] = {"csv": "utf-8", "gb18030": "gb18030"}
LOAN = "loan"
FIRST_ROW = 2  # below a header, which JSON lines do not have
XLSX_ROWS = 1_048_576  # a sheet's rows, its header among them
PIECE = 1 << 22
TRUTH_HEADER = ("row", "field", "kind", "rule_id")


@dataclass(frozen=True)
class Tape:
    """What to make. `kinds` names the defects to plant (all that the format can hold when empty).

    A tape with the same words is the same loan for loan, whatever the format.
    """

    shape: TapeShape
    loans: int
    defect_rate: Decimal = Decimal(0)
    kinds: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        unknown = self.kinds - {defect.kind for defect in DEFECTS}
        if self.loans < 1 or unknown:
            raise ValueError(f"no tape of {self.loans} loans, or no such defects: {sorted(unknown)}")


@dataclass
class Written:
    """What stands in a tape: its figures before any defect was planted, and the defects."""

    summary: Summary = field(default_factory=Summary)
    planted: list[Planted] = field(default_factory=list)


def loan_rows(tape: Tape) -> tuple[list[Row], Written]:
    """A tape as rows of text, for a small one."""
    written = Written()
    parts = _parts(tape, written, DEFECTS, FIRST_ROW)
    return [row for part in parts for row in pa.table(part).to_pylist()], written


def write_tape(tape: Tape, target: Path, standard: Standard, form: TapeForm, *, in_chinese: bool = True) -> Written:
    """Write the tape's file whole and return what stands in it. Memory does not grow with its length.

    CSV has LF line ends and stands under Chinese labels with codes by their Chinese names, or under field names and
    codes; so do JSON lines, of texts alone. Parquet is typed, codes and keys being text; XLSX has numbers and dates as
    such.

    Raises:
        ValueError: more loans than a sheet of XLSX has rows.
    """
    if form == "xlsx" and tape.loans >= XLSX_ROWS:
        raise ValueError(f"a sheet holds {XLSX_ROWS - 1} loans at most")
    spec = standard.tables[LOAN]
    written = Written()
    defects = [each for each in DEFECTS if not (form == "parquet" and each.needs_text)]
    parts = _parts(tape, written, defects, first_row(form))
    temporary = temporary_beside(target)
    try:
        if form == "xlsx":
            _write_xlsx(parts, spec, standard, temporary)
        else:
            _write_with_duckdb(parts, spec, standard, temporary, form, in_chinese)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
    return written


def first_row(form: TapeForm) -> int:
    """The row in which a reader of the file finds its first loan."""
    return FIRST_ROW - 1 if form == "jsonl" else FIRST_ROW


def write_truth(planted: list[Planted], target: Path) -> None:
    """Write which defect stands where and which rule must find it, as CSV."""
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(TRUTH_HEADER)
        writer.writerows((each.row, each.field, each.kind, each.rule_id) for each in planted)


def write_tape_filing(
    tape: Tape,
    folder: Path,
    standard: Standard,
    institution: str,
    period: str,
    form: TapeForm = "csv",
    *,
    sequence: int = 1,
    in_chinese: bool = True,
) -> Written:
    """Make a folder that an institution could file: the tape and `filing.json`; the truth stands beside the folder."""
    folder.mkdir(parents=True)
    file = folder / f"{LOAN}.{SUFFIXES[form]}"
    written = write_tape(tape, file, standard, form, in_chinese=in_chinese)
    entry = ManifestTable(
        table=LOAN,
        file=file.name,
        rows=tape.loans,
        sha256=file_digest(file),
        encoding=ENCODINGS.get(form),
    )
    manifest = Manifest(
        institution=institution,
        period=period,
        sequence=sequence,
        kind="original",
        standard_version=standard.latest_version,
        contact_channel=f"npl-desk@{institution.lower()}.example",
        tables=(entry,),
    )
    (folder / MANIFEST_FILE).write_bytes(manifest.model_dump_json(exclude_none=True, indent=2).encode() + b"\n")
    write_truth(written.planted, folder.with_name(f"{folder.name}.truth.csv"))
    return written


def _parts(
    tape: Tape, written: Written, defects: tuple[Defect, ...] | list[Defect], first_row: int
) -> Iterator[dict[str, pa.Array]]:
    chosen = [each for each in defects if not tape.kinds or each.kind in tape.kinds]
    for part, first in enumerate(range(0, tape.loans, LOANS_AT_A_TIME)):
        count = min(LOANS_AT_A_TIME, tape.loans - first)
        columns = loans_of(tape.shape, part, count, written.summary)
        draw = Draws(tape.shape.seed, part)
        written.planted += plant(columns, tape.defect_rate, chosen, draw, first_row + first)
        yield columns


def _write_with_duckdb(
    parts: Iterator[dict[str, pa.Array]],
    spec: TableSpec,
    standard: Standard,
    target: Path,
    form: TapeForm,
    in_chinese: bool,
) -> None:
    import duckdb

    names = [each.name for each in spec.fields]
    schema = pa.schema([(name, pa.string()) for name in names])
    batches = (pa.RecordBatch.from_arrays([part[name] for name in names], schema=schema) for part in parts)
    if form == "parquet":
        chosen = ", ".join(f"{_typed(each)} as {each.name}" for each in spec.fields)
        options = "format parquet, compression zstd"
    else:
        chosen = ", ".join(
            f'{_worded(standard, each)} as "{each.zh}"' if in_chinese else each.name for each in spec.fields
        )
        options = "format json" if form == "jsonl" else "format csv, header true"
    utf8 = target.with_name(f"{target.name}.utf8") if form == "gb18030" else target
    try:
        # one thread writes each part as it comes: several keep parts in memory to write them in order
        with duckdb.connect(config={"threads": 1}) as con:
            con.register("tape", pa.RecordBatchReader.from_batches(schema, batches))
            con.execute(f"copy (select {chosen} from tape) to {sql_text(str(utf8))} ({options})")
        if form == "gb18030":
            _transcode(utf8, target, form)
    finally:
        if utf8 != target:
            utf8.unlink(missing_ok=True)


def _typed(spec: FieldSpec) -> str:
    """A cell as its type; a missing-data code, which only text can say, is left out."""
    if spec.base_type in ("text", "code"):
        return spec.name
    if spec.base_type == "boolean":
        return f"{spec.name} = '是'"
    return f"cast(case when not starts_with({spec.name}, 'ND') then {spec.name} end as {kind_of(spec.type)})"


def _worded(standard: Standard, spec: FieldSpec) -> str:
    """A code by its Chinese name, as a clerk writes it."""
    if not spec.code_list:
        return spec.name
    words = " ".join(f"when {sql_text(code.code)} then {sql_text(code.zh)}" for code in standard.codes[spec.code_list])
    return f"case {spec.name} {words} else {spec.name} end"


def _transcode(source: Path, target: Path, encoding: str) -> None:
    decoder = codecs.getincrementaldecoder("utf-8")()
    with source.open("rb") as read, target.open("wb") as write:
        while piece := read.read(PIECE):
            write.write(decoder.decode(piece).encode(encoding))


def _write_xlsx(parts: Iterator[dict[str, pa.Array]], spec: TableSpec, standard: Standard, target: Path) -> None:
    import xlsxwriter

    with xlsxwriter.Workbook(str(target), {"constant_memory": True}) as book:
        book.use_zip64()  # a full sheet unpacks to more than 4 GB
        formats = prepared_formats(book)
        sheet = book.add_worksheet(spec.title.zh)
        sheet.write_row(0, 0, [each.zh for each in spec.fields])
        numbers = itertools.count(1)
        for part in parts:
            for cells in zip(*(part[each.name].to_pylist() for each in spec.fields), strict=True):
                number = next(numbers)
                for column, (each, text) in enumerate(zip(spec.fields, cells, strict=True)):
                    try:
                        write_cell(sheet, number, column, standard, each, text, formats)
                    except (ValueError, InvalidOperation):  # a missing-data code or a planted word
                        sheet.write_string(number, column, text)
