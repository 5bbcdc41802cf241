"""Templates: what they ask for is what the standard asks for, and filled with its example they are accepted."""

import csv
import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pytest
from openpyxl.worksheet.worksheet import Worksheet
from typer.testing import CliRunner

from expectations.headers import UNIT_LIST, template_header
from expectations.spec import FieldSpec, Standard, TableSpec, load_standard
from ingest import config
from ingest.check import check_path
from ingest.cli import app, main
from ingest.read.columns import with_field_names
from ingest.read.manifest_file import KINDS, SHEET_KEYS
from ingest.report.model import Report
from ingest.template import Kind, committed_templates, template_files
from ingest.template_cells import column_headers
from ingest.template_workbook import CODES_SHEET, NOTES_SHEET

STANDARD = load_standard()
TABLES = list(STANDARD.tables)
# one example row of this table is no complete return, and is told so
ONE_ROW_IS_NOT_ALL = {"compliance_return": {"NPL-CMP-007"}}
CITY_TREES = Path(__file__).parents[1] / "standards" / "city_trees"


@pytest.fixture(scope="module", autouse=True)
def _empty_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NPL_HOME", str(tmp_path_factory.mktemp("home")))
        config.settings.cache_clear()
        yield
    config.settings.cache_clear()


@pytest.fixture(scope="module")
def book() -> Any:
    (content,) = template_files(STANDARD, TABLES, "xlsx").values()
    return openpyxl.load_workbook(io.BytesIO(content))


def checked(folder: Path, tables: list[str], kind: Kind, standard: Standard = STANDARD) -> Report:
    """The report on the templates of these tables, filled with the standard's example rows."""
    files = template_files(standard, tables, kind, example=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return check_path(folder / next(iter(files)) if kind == "xlsx" else folder, standard)


@pytest.mark.parametrize("kind", ["xlsx", "csv"])
@pytest.mark.parametrize("tables", [*([name] for name in TABLES), TABLES], ids="+".join)
def test_templates_filled_with_the_example_are_accepted(tmp_path: Path, tables: list[str], kind: Kind) -> None:
    report = checked(tmp_path, tables, kind)
    findings = [(found.rule_id, found.message.en) for found in report.findings]
    assert report.verdict == "accepted", findings or report.problem
    rows = {table.table: table.accepted for table in report.tables}
    assert rows == {name: int(len(tables) == 1 or name in STANDARD.head.examples.filed_together) for name in tables}
    if len(tables) == 1:
        assert {rule_id for rule_id, _ in findings} == ONE_ROW_IS_NOT_ALL.get(tables[0], set())


@pytest.mark.parametrize("kind", ["xlsx", "csv"])
def test_another_standard_has_templates_as_well(tmp_path: Path, kind: Kind) -> None:
    standard = load_standard(CITY_TREES)
    several = [spec.table for spec in standard.tables.values() if any(each.separator for each in spec.fields)]
    assert several, "a table with several codes in one cell is what this is about"
    report = checked(tmp_path, several[:1], kind, standard)
    assert report.verdict == "accepted", report.problem or report.findings


def test_an_empty_template_says_what_it_still_lacks(tmp_path: Path) -> None:
    for kind in ("xlsx", "csv"):
        files = template_files(STANDARD, TABLES[:1], kind)
        for name, content in files.items():
            (tmp_path / name).write_bytes(content)
        path = tmp_path / next(iter(files)) if kind == "xlsx" else tmp_path
        report = check_path(path, STANDARD)
        assert report.problem is not None
        assert "institution" in report.problem.en
        assert "period" in report.problem.en
        for name in files:
            (tmp_path / name).unlink()


@pytest.mark.parametrize("spec", STANDARD.tables.values(), ids=lambda spec: spec.table)
def test_every_header_of_a_template_is_read_back_as_its_own_field(spec: TableSpec) -> None:
    headers = column_headers(STANDARD, spec)
    rows = pa.table({"row_number": [2], **{header: ["1"] for header in headers}})
    read = with_field_names(rows, STANDARD, spec, "template").column_names
    assert read == ["row_number", *spec.by_name]
    assert len(read) > 10


def test_a_header_tells_the_unit_and_what_is_required() -> None:
    fields = [field for spec in STANDARD.tables.values() for field in spec.fields]
    worded = {template_header(STANDARD, field): field for field in fields}
    assert any(header.startswith("*") for header in worded)
    for header, field in worded.items():
        assert header.startswith("*") == field.required, header
        assert field.unit is None or header.endswith((")", "）")), header


def test_every_unit_has_its_word() -> None:
    used = {field.unit for spec in STANDARD.all_tables.values() for field in spec.fields if field.unit}
    assert len(used) > 5
    assert used - {code.code for code in STANDARD.codes[UNIT_LIST]} == set(), "say them in codes/unit.csv"


def test_a_header_in_another_unit_is_no_header_of_the_field() -> None:
    spec, field = next((spec, each) for spec in STANDARD.tables.values() for each in spec.fields if each.unit == "CNY")
    assert field.zh.endswith("(元)")
    wrong = field.zh.replace("(元)", "(万元)")
    rows = pa.table({"row_number": [2], wrong: ["1"]})
    assert with_field_names(rows, STANDARD, spec, "file").column_names == ["row_number", wrong]


def sheet_of(book: Any, spec: TableSpec) -> Worksheet:
    sheet: Worksheet = book[spec.title.zh]
    return sheet


def columns() -> Iterator[tuple[TableSpec, FieldSpec, int]]:
    """Every field of every table, with its column counted from 1."""
    for spec in STANDARD.tables.values():
        for number, field in enumerate(spec.fields, start=1):
            yield spec, field, number


def validation_of(sheet: Worksheet, column: int) -> Any:
    cell = sheet.cell(row=2, column=column).coordinate
    return next((each for each in sheet.data_validations.dataValidation if cell in each.sqref), None)


def test_the_workbook_has_a_sheet_a_table_and_one_for_the_filing_notes_and_codes(book: Any) -> None:
    titles = [spec.title.zh for spec in STANDARD.tables.values()]
    assert book.sheetnames == [NOTES_SHEET, "filing", *titles, CODES_SHEET]
    one = template_files(STANDARD, TABLES[:1], "xlsx")
    (content,) = one.values()
    assert openpyxl.load_workbook(io.BytesIO(content)).sheetnames == [NOTES_SHEET, "filing", titles[0], CODES_SHEET]


def test_each_drop_down_holds_its_code_list(book: Any) -> None:
    seen = 0
    for spec, field, column in columns():
        if field.code_list:
            validation = validation_of(sheet_of(book, spec), column)
            assert validation.type == "list", field.name
            sheet, _, cells = validation.formula1.rpartition("!")
            assert sheet == f"'{CODES_SHEET}'"
            shown = [row[0].value for row in book[CODES_SHEET][cells.replace("$", "")]]
            assert shown == [code.zh for code in STANDARD.codes[field.code_list]], field.name
            assert validation.errorStyle == "warning", "the code itself and its aliases may be written as well"
            seen += 1
    assert seen > 10


def test_drop_downs_and_formats_go_down_the_whole_column(book: Any) -> None:
    for spec, field, column in columns():
        sheet = sheet_of(book, spec)
        validation = validation_of(sheet, column)
        assert (validation is None) == (field.base_type == "text"), field.name
        if validation is not None:
            assert sheet.cell(row=1_048_576, column=column).coordinate in validation.sqref


def test_columns_of_text_keep_leading_zeros_and_dates_are_iso(book: Any) -> None:
    formats = {"text": "@", "code": "@", "boolean": "@", "date": "yyyy-mm-dd", "timestamp": "yyyy-mm-dd hh:mm:ss"}
    seen = set()
    for spec, field, column in columns():
        if field.base_type in formats:
            # columns side by side that look alike are one entry
            widths = sheet_of(book, spec).column_dimensions.values()
            style = next(each for each in widths if each.min <= column <= each.max)
            assert style.number_format == formats[field.base_type], field.name
            seen.add(field.base_type)
    assert {"text", "code", "date"} <= seen


def test_the_note_on_a_header_tells_name_labels_and_what_the_standard_asks(book: Any) -> None:
    for spec, field, column in columns():
        comment = sheet_of(book, spec).cell(row=1, column=column).comment
        assert comment is not None, field.name
        for text in (field.name, field.zh, field.en, field.required_when, field.example, *field.nd):
            assert not text or text in comment.text, (field.name, text)
        if field.note:
            assert field.note.zh in comment.text
            assert field.note.en in comment.text


def test_the_header_row_stays_in_sight(book: Any) -> None:
    assert {sheet_of(book, spec).freeze_panes for spec in STANDARD.tables.values()} == {"B2"}


def test_the_sheet_filing_asks_for_every_key_and_offers_the_kinds(book: Any) -> None:
    sheet = book["filing"]
    assert [row[0].value for row in sheet["A2:A9"]] == list(SHEET_KEYS.values())
    row = list(SHEET_KEYS).index("kind") + 2
    validation = next(each for each in sheet.data_validations.dataValidation if f"B{row}" in each.sqref)
    assert validation.formula1 == '"' + ",".join(KINDS) + '"'
    assert sheet.column_dimensions["B"].number_format == "@", "2026-10 must not become a day"


def test_the_notes_say_everything_in_both_languages(book: Any) -> None:
    lines = [tuple(cell.value for cell in row) for row in book[NOTES_SHEET].iter_rows()]
    assert len(lines) > 20
    told = [line for line in lines if line[1] and line[2]]
    assert len(told) > 20
    for code, meaning in STANDARD.head.missing_codes.items():
        assert (code, meaning.zh, meaning.en) in told


def test_csv_templates_are_the_header_row_alone_and_excel_knows_their_encoding() -> None:
    files = template_files(STANDARD, TABLES, "csv")
    assert list(files) == ["filing.json", *(f"{name}.csv" for name in TABLES)]
    assert [entry["table"] for entry in json.loads(files["filing.json"])["tables"]] == TABLES
    for name in TABLES:
        assert files[f"{name}.csv"].startswith(b"\xef\xbb\xbf")
        rows = list(csv.reader(io.StringIO(files[f"{name}.csv"].decode("utf-8-sig"), newline="")))
        assert rows == [column_headers(STANDARD, STANDARD.tables[name])]


def test_templates_are_the_same_bytes_every_time_on_any_machine() -> None:
    first = committed_templates(STANDARD)
    assert len(first) == len(TABLES) + 2
    assert committed_templates.__wrapped__(STANDARD) == first
    (workbook,) = (content for name, content in first.items() if name.endswith(".xlsx"))
    with zipfile.ZipFile(io.BytesIO(workbook)) as archive:
        # deflating gives other bytes under another zlib
        assert {info.compress_type for info in archive.infolist()} == {zipfile.ZIP_STORED}
        assert len({info.date_time for info in archive.infolist()}) == 1


def test_the_command_writes_the_templates_that_it_names(tmp_path: Path) -> None:
    command = ["template", TABLES[0], "--format", "csv", "--example", "--out", str(tmp_path / "new")]
    ran = CliRunner().invoke(app, command)
    assert ran.exit_code == 0, ran.output
    named = {Path(line).name for line in ran.output.split()}
    assert named == {path.name for path in (tmp_path / "new").iterdir()} == {"filing.json", f"{TABLES[0]}.csv"}


def test_the_command_refuses_a_table_that_the_standard_has_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["npl", "template", "no_such_table", "--out", str(tmp_path)])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert TABLES[0] in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
