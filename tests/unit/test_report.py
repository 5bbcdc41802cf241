"""Reports: every verdict against its golden copy, and what no filed value may do to its reader."""

import csv
import io
import json
import os
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, get_args

import jsonschema
import pytest
from pydantic import ValidationError
from python_calamine import CalamineWorkbook

from expectations.spec import Category, Severity, Standard, load_standard
from ingest.report import findings_csv, html, text, wording, xlsx
from ingest.report.answer import FINDINGS_CSV, REPORT_HTML, REPORT_JSON, WORKSHEET_XLSX, write_answer
from ingest.report.cells import inert, visible
from ingest.report.model import VERDICTS, Report, report_schema

GOLDEN_DIR = Path(__file__).parents[1] / "golden" / "report"
UPDATE_GOLDEN = os.environ.get("NPL_UPDATE_GOLDEN") == "1"


@pytest.fixture(scope="module")
def standard() -> Standard:
    return load_standard(GOLDEN_DIR / "standard")


def sample(verdict: str) -> Report:
    return Report.model_validate_json((GOLDEN_DIR / f"{verdict}.json").read_bytes())


def finding(row: int | None = 2, value: str | None = "1", **changes: Any) -> dict[str, Any]:
    return {
        "rule_id": "EQP-SAL-001",
        "severity": "reject",
        "category": "logical",
        "table": "machine_sale",
        "file": "sales.csv",
        "row": row,
        "key": f"S-{row}",
        "fields": ["remarks"],
        "values": {"remarks": value},
        "message": {"zh": f"备注 {value} 有误。", "en": f"Remarks {value} are wrong."},
        "remedy": {"zh": "请改正。", "en": "Mend it."},
        "suggestion": None,
        "fingerprint": f"{row}",
        **changes,
    }


def report_of(findings: list[dict[str, Any]], **changes: Any) -> Report:
    """A rejected filing with these findings, each rule counted as often as it is listed."""
    rules: dict[str, dict[str, Any]] = {}
    for one in findings:
        fresh = {name: one[name] for name in ("rule_id", "severity", "category")} | {"count": 0}
        rules.setdefault(one["rule_id"], fresh)["count"] += 1
    return Report.model_validate(
        {
            "verdict": "rejected",
            "standard": {"version": "1.0", "sha256": "0" * 64},
            "filing": {"institution": "SAMPLE"},
            "tables": [{"table": "machine_sale", "rows": 10, "accepted": 0, "held": 0}],
            "rules": list(rules.values()),
            "findings": findings,
            "findings_total": len(findings),
            **changes,
        }
    )


class Page(HTMLParser):
    """What a browser would make of a page: its elements with their attributes, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def assert_golden(name: str, content: bytes) -> None:
    path = GOLDEN_DIR / name
    if UPDATE_GOLDEN:
        path.write_bytes(content)
    assert content
    assert path.read_bytes() == content, f"{name} changed: look at it, then NPL_UPDATE_GOLDEN=1"


@pytest.mark.parametrize("verdict", VERDICTS)
def test_each_verdict_reads_as_its_golden_copy(verdict: str, standard: Standard) -> None:
    report = sample(verdict)
    assert report.verdict == verdict
    assert_golden(f"{verdict}.json", report.to_json_bytes())
    assert_golden(f"{verdict}.html", html.render(report, standard).encode())
    assert_golden(f"{verdict}.txt", text.render(report, standard).encode())


@pytest.mark.parametrize("verdict", VERDICTS)
def test_the_published_schema_accepts_every_report(verdict: str) -> None:
    schema = report_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(json.loads(sample(verdict).to_json_bytes()), schema)


def test_the_json_holds_the_contracts_keys_in_their_order() -> None:
    told = json.loads(sample("rejected").to_json_bytes())
    assert list(told) == ["verdict", "standard", "filing", "tables", "rules", "findings", "findings_total"]
    assert list(told["rules"][0]) == ["rule_id", "severity", "category", "count"]
    assert list(told["findings"][0]) == [
        "rule_id",
        "severity",
        "category",
        "table",
        "file",
        "row",
        "key",
        "fields",
        "values",
        "message",
        "remedy",
        "suggestion",
        "fingerprint",
        "status",
        "answer",
    ]


@pytest.mark.parametrize(("verdict", "problem"), [("error", None), ("rejected", {"zh": "坏", "en": "bad"})])
def test_a_problem_is_told_exactly_when_nothing_was_judged(verdict: str, problem: dict[str, str] | None) -> None:
    with pytest.raises(ValidationError, match="problem"):
        report_of([], verdict=verdict, problem=problem)


def test_an_unknown_key_in_a_report_is_refused() -> None:
    with pytest.raises(ValidationError, match="rows_lost"):
        report_of([], rows_lost=3)


def test_every_verdict_severity_and_category_has_its_words() -> None:
    assert set(wording.VERDICT_WORDS) == set(VERDICTS)
    assert set(wording.SEVERITY_WORDS) == set(wording.SEVERITY_MEANINGS) == set(get_args(Severity))
    assert set(wording.CATEGORY_WORDS) == set(get_args(Category))


def test_rules_stand_from_reject_to_info_and_then_by_id() -> None:
    groups = report_of(
        [
            finding(rule_id=rule_id, severity=severity)
            for rule_id, severity in (("D", "info"), ("C", "warn"), ("B", "hold"), ("Z", "reject"), ("A", "reject"))
        ]
    ).groups()
    assert [group.rule_id for group in groups] == ["A", "Z", "B", "C", "D"]


def test_a_filing_rejected_for_its_held_rows_alone_is_told_the_ceiling(standard: Standard) -> None:
    steps = wording.next_steps(report_of([finding(severity="hold")]), standard)
    assert "5%" in steps[0].zh
    assert "5%" in steps[0].en


def test_an_accepted_filing_with_warnings_is_asked_to_verify_them(standard: Standard) -> None:
    steps = wording.next_steps(report_of([finding(severity="warn")], verdict="accepted"), standard)
    assert [step.zh[:6] for step in steps] == ["核对下列“警"]


@pytest.mark.parametrize("verdict", VERDICTS)
def test_the_page_needs_nothing_from_outside_and_runs_nothing(verdict: str, standard: Standard) -> None:
    page = html.render(sample(verdict), standard)
    elements = Page(page).elements
    links = [value for _, attributes in elements for name, value in attributes.items() if name in ("src", "href")]
    assert len(elements) > 20
    assert all(link and link.startswith("#") for link in links)
    assert not {"script", "link", "img", "iframe", "object", "form"} & {tag for tag, _ in elements}
    assert not re.search(r"https?:|url\(|@import", page)
    assert not [name for _, attributes in elements for name in attributes if name.startswith("on")]


def test_an_empty_value_reads_as_empty_and_a_long_one_is_cut() -> None:
    assert visible(None) == visible("") == "（空）"
    assert visible("很长" * 10, longest=4) == "很长很长… (20 字 characters)"
    assert inert("12.50") == "12.50"


def test_findings_csv_opens_in_excel_and_lists_every_finding() -> None:
    report = sample("rejected")
    content = findings_csv.render(report)
    rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))
    assert content.startswith(b"\xef\xbb\xbf")
    assert tuple(rows[0]) == findings_csv.COLUMNS
    assert len(rows) == len(report.findings) > 0
    assert rows[0]["values"] == "ordered_date=2026-03-12; delivered_date=2026-03-05"
    assert rows[0]["rule_count"] == "1203"


def test_the_workbook_holds_verdict_counts_and_findings(standard: Standard) -> None:
    report = sample("rejected")
    content = xlsx.render(report, standard)
    workbook = CalamineWorkbook.from_filelike(io.BytesIO(content))
    assert workbook.sheet_names == [xlsx.SUMMARY_SHEET, xlsx.FINDINGS_SHEET]
    summary = workbook.get_sheet_by_name(xlsx.SUMMARY_SHEET).to_python()
    assert summary[0][0] == "退回 Rejected"
    assert ["设备转让 machine_sale", 4000, 0, 0] in summary
    assert ["EQP-SAL-001", "拒收 Reject · 逻辑 logical", 1203, ""] in summary
    rows = workbook.get_sheet_by_name(xlsx.FINDINGS_SHEET).to_python()
    assert len(rows) == 1 + len(report.findings)
    assert rows[1][5] == 2
    assert rows[1][7] == "下单日期 ordered_date = 2026-03-12\n交付日期 delivered_date = 2026-03-05"
    assert content == xlsx.render(report, standard), "a rerun must give the same bytes"


@pytest.mark.parametrize("verdict", VERDICTS)
def test_the_workbook_of_every_verdict_says_what_to_do(verdict: str, standard: Standard) -> None:
    report = sample(verdict)
    workbook = CalamineWorkbook.from_filelike(io.BytesIO(xlsx.render(report, standard)))
    cells = [cell for row in workbook.get_sheet_by_name(xlsx.SUMMARY_SHEET).to_python() for cell in row]
    steps = wording.next_steps(report, standard)
    assert steps
    assert all(f"{step.zh}\n{step.en}" in cells for step in steps)


def test_the_terminal_shows_twenty_places_of_a_rule_and_counts_the_rest(standard: Standard) -> None:
    shown = text.render(report_of([finding(row) for row in range(2, 27)]), standard)
    assert len(re.findall(r"^EQP-SAL-001 第 \d+ 行 row \d+", shown, re.MULTILINE)) == 20
    assert "… 另有 5 处 / 5 more" in shown
    assert "合计 25 处：拒收 25" in shown


def test_the_terminal_names_rule_row_message_and_remedy_in_both_languages(standard: Standard) -> None:
    shown = text.render(report_of([finding(7, "坏")]), standard)
    assert (
        "EQP-SAL-001 第 7 行 row 7 · sales.csv · S-7\n  备注 坏 有误。请改正。\n  Remarks 坏 are wrong. Mend it.\n"
    ) in shown


def test_a_value_that_the_message_leaves_out_is_shown_beside_it(standard: Standard) -> None:
    shown = text.render(report_of([finding(values={"remarks": "没有提到", "other_row": "9"})]), standard)
    assert "报送值 Filed：备注 remarks = 没有提到；other_row = 9" in shown


def test_thousands_of_findings_of_one_rule_show_a_thousand_of_which_the_first_in_full(standard: Standard) -> None:
    report = report_of([finding(row, str(row)) for row in range(2, 5002)])
    page = html.render(report, standard)
    assert page.count('<td class="where">') == html.SHOWN_IN_FULL
    assert page.count('<tr><td class="number">') == html.SHOWN_PER_RULE - html.SHOWN_IN_FULL == 990
    assert "其余 990 处" in page
    assert "此处列出 1,000 处，另有 4,000 处未列。" in page
    assert "5,000" in page
    assert "… 另有 4,980 处 / 4,980 more" in text.render(report, standard)


def test_folded_places_that_differ_in_their_fields_tell_field_and_value(standard: Standard) -> None:
    fields = ["remarks", "price_cny"] * html.SHOWN_IN_FULL
    page = html.render(
        report_of([finding(row, fields=[field], values={field: "坏"}) for row, field in enumerate(fields, 2)]), standard
    )
    folded = page[page.index("<details") : page.index("</details>")]
    assert folded.count("备注 remarks = 坏") == folded.count("成交价 price_cny = 坏") == html.SHOWN_IN_FULL / 2


def test_a_thousand_places_are_small_enough_for_a_page_of_a_hundred_such_rules(standard: Standard) -> None:
    page = html.render(report_of([finding(row, str(row)) for row in range(2, 1002)]), standard)
    assert page.count("<tr>") > 1000
    assert len(page.encode()) < 200_000


def test_a_report_without_findings_says_so(standard: Standard) -> None:
    report = sample("accepted")
    assert "没有发现问题" in html.render(report, standard)
    assert "没有发现问题 No findings" in text.render(report, standard)
    assert findings_csv.render(report).decode("utf-8-sig").count("\r\n") == 1


def test_a_text_that_all_findings_share_is_said_once(standard: Standard) -> None:
    same = report_of([finding(row, "1") for row in (2, 3, 4)])
    assert html.render(same, standard).count("备注 1 有误。") == 1
    differing = report_of([finding(row, str(row)) for row in (2, 3, 4)])
    assert html.render(differing, standard).count(" 有误。") == 3


def test_a_report_that_asks_for_nothing_has_no_worksheet(tmp_path: Path, standard: Standard) -> None:
    for severity, asked in (("warn", True), ("info", False)):
        write_answer(tmp_path, report_of([finding(severity=severity)], verdict="accepted"), standard)
        assert (tmp_path / WORKSHEET_XLSX).exists() == asked


def test_the_outbox_gets_all_four_files_and_a_rerun_gives_the_same_bytes(tmp_path: Path, standard: Standard) -> None:
    report = sample("rejected")
    write_answer(tmp_path / "answer", report, standard)
    first = {path.name: path.read_bytes() for path in (tmp_path / "answer").iterdir()}
    write_answer(tmp_path / "answer", report, standard)
    assert set(first) == {REPORT_JSON, REPORT_HTML, FINDINGS_CSV, WORKSHEET_XLSX}
    assert first == {path.name: path.read_bytes() for path in (tmp_path / "answer").iterdir()}
    assert Report.model_validate_json(first[REPORT_JSON]) == report
