"""The worksheet: what an institution fills in is read back to the cell, and changes that cell and no other."""

import io
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from worksheets import Fill, filled, line_for, lines_of

from expectations.spec import Standard, load_standard
from ingest.errors import FilingError
from ingest.manifest import Manifest
from ingest.read import FiledContent, FiledTable
from ingest.read.worksheet import HEADERS, MARKER_SHEET, WORK_SHEET, Correction, Worksheet, read_worksheet
from ingest.reasons import REASON_LIST
from ingest.report import worksheet
from ingest.report.cells import EMPTY
from ingest.report.model import Report
from ingest.workbook_cells import NOTES_SHEET
from ingest.worksheet import applied

TABLE, BASE = "package_notice", "SLXJ01-2026-03-0001-0a1b2c3d"
REASON = "confirmed_with_source"


@pytest.fixture(scope="module")
def standard() -> Standard:
    return load_standard()


def finding(rule_id: str, severity: str, row: int | None, fingerprint: str, **values: str | None) -> dict[str, Any]:
    return {
        "rule_id": rule_id,
        "severity": severity,
        "category": "logical",
        "table": TABLE if row else "filing",
        "file": "notices.csv",
        "row": row,
        "key": f"notice_id=GG-{row}",
        "fields": list(values),
        "values": values,
        "message": {"zh": "有误。", "en": "Wrong."},
        "remedy": {"zh": "请改正。", "en": "Mend it."},
        "suggestion": None,
        "fingerprint": fingerprint,
    }


SUM = finding("NPL-PKG-040", "reject", 2, "a" * 16, principal_cny="100.00", interest_cny="5.00")
LATE = finding("NPL-PKG-033", "warn", 3, "b" * 16, bid_date="2026-09-01")
CODE = finding("NPL-SCH-002", "reject", 3, "c" * 16, asset_type="=1+1")
WHOLE = finding("NPL-FIL-006", "reject", None, "d" * 16, unknown_columns="notes")


def report_of(*findings: dict[str, Any], verdict: str = "rejected", found: int | None = None) -> Report:
    counts: dict[str, dict[str, Any]] = {}
    for one in findings:
        fresh = {name: one[name] for name in ("rule_id", "severity", "category")} | {"count": 0}
        counts.setdefault(one["rule_id"], fresh)["count"] += 1
    if found:
        next(iter(counts.values()))["count"] = found
    return Report.model_validate(
        {
            "verdict": verdict,
            "standard": {"version": "2.0", "sha256": "0" * 64},
            "filing": {"filing_id": BASE, "institution": "SLXJ01", "period": "2026-03", "sha256": "1" * 64},
            "tables": [{"table": TABLE, "rows": 3, "accepted": 0, "held": 0}],
            "rules": list(counts.values()),
            "findings": list(findings),
            "findings_total": sum(count["count"] for count in counts.values()),
        }
    )


@pytest.fixture(scope="module")
def content(standard: Standard) -> bytes:
    return worksheet.render(report_of(SUM, LATE, CODE, WHOLE), standard)


def read(content: bytes, place: Path, standard: Standard, fills: dict[int, Fill]) -> Worksheet:
    found = read_worksheet(filled(content, place / "改好.xlsx", fills), standard)
    assert found is not None
    return found


def test_what_is_filled_in_is_read_back_with_its_cell(content: bytes, tmp_path: Path, standard: Standard) -> None:
    interest = line_for(content, field="interest_cny")
    late = line_for(content, fingerprint="b" * 16)
    code = line_for(content, field="asset_type")
    found = read(
        content,
        tmp_path,
        standard,
        {interest: {"corrected": 4.5}, late: {"reason": "一次性或特殊事项"}, code: {"corrected": EMPTY}},
    )
    assert (found.filing_id, found.sha256, found.verdict) == (BASE, "1" * 64, "rejected")
    assert set(found.corrections) == {
        Correction(interest, TABLE, 2, "interest_cny", "4.5"),
        Correction(code, TABLE, 3, "asset_type", None),
    }
    assert [(answer.fingerprint, answer.reason_code) for answer in found.answers] == [("b" * 16, "one_off_event")]


def test_each_cell_that_can_be_corrected_has_its_row_and_no_filed_value_is_a_formula(content: bytes) -> None:
    lines = lines_of(content)
    assert [line["field"] for line in lines] == ["", "principal_cny", "interest_cny", "asset_type", "bid_date"]
    sheet = openpyxl.load_workbook(io.BytesIO(content))[WORK_SHEET]
    told = [cell for row in sheet.iter_rows() for cell in row if cell.value == "=1+1"]
    assert told
    assert all(
        cell.data_type == "s" for row in sheet.iter_rows(min_row=2) for cell in row if isinstance(cell.value, str)
    )


def test_only_what_may_be_filled_in_is_open(content: bytes) -> None:
    sheet = openpyxl.load_workbook(io.BytesIO(content))[WORK_SHEET]
    names = {cell.column: cell.value for cell in sheet[1]}
    opened = {
        (sheet.cell(cell.row, 1 + list(names.values()).index("field")).value, names[cell.column])
        for row in sheet.iter_rows()
        for cell in row
        if not cell.protection.locked
    }
    assert sheet.protection.sheet
    assert opened == {
        *((field, HEADERS["corrected"]) for field in ("principal_cny", "interest_cny", "asset_type", "bid_date")),
        ("bid_date", HEADERS["reason"]),
    }


def test_the_same_report_gives_the_same_bytes(content: bytes, standard: Standard) -> None:
    assert worksheet.render(report_of(SUM, LATE, CODE, WHOLE), standard) == content


def test_the_first_sheet_tells_the_true_total_and_how_much_is_listed(
    standard: Standard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worksheet, "MOST_FINDINGS", 4)
    many = [finding("NPL-PKG-040", "reject", row, f"{row:016x}", interest_cny="1") for row in range(2, 7)]
    content = worksheet.render(report_of(*many, LATE, found=1203), standard)
    rows = openpyxl.load_workbook(io.BytesIO(content))[NOTES_SHEET].iter_rows(values_only=True)
    told = {row[0]: row[1] for row in rows}
    assert told["NPL-PKG-040"] == "1,203 / 2"
    assert told["NPL-PKG-033"] == "1 / 1"
    assert "1,201" in str(told["没有列出的 Not listed"])
    assert len(lines_of(content)) == 3


def test_a_standard_without_reasons_asks_for_none(standard: Standard, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(standard.codes, REASON_LIST)
    content = worksheet.render(report_of(LATE, verdict="accepted"), standard)
    sheet = openpyxl.load_workbook(io.BytesIO(content))[WORK_SHEET]
    reason = next(cell.column for cell in sheet[1] if cell.value == HEADERS["reason"])
    assert sheet.cell(2, reason).protection.locked


LATE_LINE, SUM_LINE, SUM_AGAIN, WHOLE_LINE = 6, 3, 4, 2
REFUSED: dict[str, tuple[dict[int, Fill], str, str]] = {
    "nothing": ({}, "没有填写任何内容", "nothing is filled in"),
    "both": ({LATE_LINE: {"corrected": "2026-05-01", "reason": REASON}}, "第 6 行", "keep one"),
    "reason for what must be fixed": ({SUM_LINE: {"reason": REASON}}, "第 3 行：不是警告", "row 3: is no warning"),
    "unknown reason": ({LATE_LINE: {"reason": "我们觉得没错"}}, "第 6 行：理由不在", "row 6: the reason is none of"),
    "whole file": ({WHOLE_LINE: {"corrected": "x"}}, "第 2 行：这一行不对应", "row 2: this row stands for no cell"),
    "unknown field": ({SUM_LINE: {"corrected": "1", "field": "colour"}}, "第 3 行", "row 3"),
    "no row": ({SUM_LINE: {"corrected": "1", "row": "two"}}, "第 3 行", "row 3"),
    "two values": (
        {SUM_LINE: {"corrected": "1"}, SUM_AGAIN: {"corrected": "2", "field": "principal_cny"}},
        "与第 3 行更正的是同一个单元格",
        "the same cell as row 3",
    ),
    "two reasons": (
        {
            LATE_LINE: {"reason": REASON},
            SUM_LINE: {"reason": "historic_data", "severity": "warn", "fingerprint": "b" * 16},
        },
        "与第 3 行是同一问题",
        "the same finding as row 3",
    ),
}


@pytest.mark.parametrize("slip", REFUSED)
def test_a_slip_is_told_with_its_row(slip: str, content: bytes, tmp_path: Path, standard: Standard) -> None:
    fills, zh, en = REFUSED[slip]
    with pytest.raises(FilingError) as told:
        read(content, tmp_path, standard, fills)
    assert zh in told.value.zh
    assert en in told.value.en


@pytest.mark.parametrize("damage", ["marker", "sheet", "header"])
def test_a_damaged_worksheet_is_refused(damage: str, content: bytes, tmp_path: Path, standard: Standard) -> None:
    place = filled(content, tmp_path / "w.xlsx", {SUM_LINE: {"corrected": "1"}})
    book = openpyxl.load_workbook(place)
    if damage == "marker":
        book[MARKER_SHEET]["B2"].value = None
    elif damage == "sheet":
        del book[WORK_SHEET]
    else:
        book[WORK_SHEET]["F1"].value = "新值"
    book.save(place)
    with pytest.raises(FilingError, match=r"取用平台答复中的 worksheet\.xlsx"):
        read_worksheet(place, standard)


def test_another_workbook_is_no_worksheet(tmp_path: Path, standard: Standard) -> None:
    openpyxl.Workbook().save(tmp_path / "other.xlsx")
    (tmp_path / "notes.txt").write_text(MARKER_SHEET)
    assert [read_worksheet(tmp_path / name, standard) for name in ("other.xlsx", "notes.txt", "gone.xlsx")] == [
        None
    ] * 3


COLUMNS = ("notice_id", "principal_cny", "interest_cny")
ROWS = (2, 3, 5, 8)
CELLS = st.one_of(st.none(), st.text(min_size=1, max_size=5))


def base_of(cells: dict[str, list[str | None]], **manifest: Any) -> FiledContent:
    rows = pa.table(
        {"row_number": pa.array(ROWS, pa.int64()), **{name: pa.array(cells[name], pa.string()) for name in cells}}
    )
    told = {"institution": "SLXJ01", "period": "2026-03", "sequence": 1, "kind": "original", **manifest}
    return FiledContent(Manifest.model_validate(told), b"{}", (FiledTable(TABLE, "n.csv", "2" * 64, rows, None),))


def sheet_of(*corrections: Correction, verdict: str = "rejected") -> Worksheet:
    return Worksheet("w.xlsx", BASE, "1" * 64, verdict, corrections, ())


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    cells=st.fixed_dictionaries({name: st.lists(CELLS, min_size=len(ROWS), max_size=len(ROWS)) for name in COLUMNS}),
    changes=st.dictionaries(
        st.tuples(st.sampled_from(ROWS), st.sampled_from((*COLUMNS, "remarks"))), CELLS, min_size=1
    ),
)
def test_corrections_change_the_cells_they_name_and_no_other(
    cells: dict[str, list[str | None]], changes: dict[tuple[int, str], str | None], standard: Standard
) -> None:
    corrections = [Correction(2, TABLE, row, field, value) for (row, field), value in changes.items()]
    (table,) = applied(sheet_of(*corrections), base_of(cells), BASE, standard).tables
    expected: dict[str, list[Any]] = {
        "row_number": list(ROWS),
        **{name: list(column) for name, column in cells.items()},
    }
    for (row, field), value in changes.items():
        expected.setdefault(field, [None] * len(ROWS))[ROWS.index(row)] = value
    assert table.rows.to_pydict() == expected


def test_a_returned_filing_is_filed_again_as_it_was_and_an_accepted_one_is_corrected(standard: Standard) -> None:
    change = Correction(2, TABLE, 2, "notice_id", "GG-9")
    cells: dict[str, list[str | None]] = {"notice_id": ["GG-1"] * len(ROWS)}
    was = base_of(cells, kind="correction", replaces="SLXJ01-2026-03-0001-ffffffff")
    again = applied(sheet_of(change), was, BASE, standard).manifest
    corrects = applied(sheet_of(change, verdict="accepted"), was, BASE, standard).manifest
    assert (again.kind, again.replaces) == ("correction", "SLXJ01-2026-03-0001-ffffffff")
    assert (corrects.kind, corrects.replaces) == ("correction", BASE)
    assert applied(sheet_of(change), base_of(cells), BASE, standard).manifest.kind == "original"


@pytest.mark.parametrize(("table", "row"), [(TABLE, 4), ("loan", 2)])
def test_a_cell_that_the_filing_does_not_have_is_refused(table: str, row: int, standard: Standard) -> None:
    base = base_of({"notice_id": ["GG-1"] * len(ROWS)})
    with pytest.raises(FilingError, match="第 7 行"):
        applied(sheet_of(Correction(7, table, row, "loan_id", "x")), base, BASE, standard)
