"""A filled worksheet is filed back: what becomes of it, and of warnings that nobody answers."""

from pathlib import Path
from typing import Any

import pytest
from filings import FILER, decide_one, put, sale_notice
from worksheets import Fill, filled, line_for

from expectations.spec import FILING_TABLE, Row, load_standard
from ingest import accept, check, receive, registry, registry_tables
from ingest.check import check_path
from ingest.paths import home
from ingest.report import worksheet
from ingest.report.answer import REPORT_JSON, WORKSHEET_XLSX
from ingest.report.model import Report

TIE, BIDDING_DAY, UNANSWERED, TOO_LONG = "NPL-PKG-040", "NPL-PKG-035", "NPL-FIL-030", "NPL-FIL-031"
BROKEN: Row = {"principal_interest_cny": "77375977.30", "claim_total_cny": ""}
MENDED = "77375977.29"
WARNED: Row = {"free_bid_start_at": "2026-03-28 09:30:00"}
OTHER_FILER = "SLYH02"


@pytest.fixture
def few_rules(npl_home: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The rules about filings and two of notices, judged without Great Expectations: the same path, and quick."""
    whole = load_standard()
    few = whole.with_rules(
        rule for rule in whole.rules.values() if rule.table == FILING_TABLE or rule.id in (TIE, BIDDING_DAY)
    )
    monkeypatch.setattr(accept, "load_standard", lambda: few)
    monkeypatch.setattr(
        check, "_judge_of_record", lambda work, standard, content, *_: check._direct(work, standard, content)
    )


def file(sequence: int, notice: Row | None = None, **filing: Any) -> tuple[str, str]:
    number = f"{sequence:03}"
    row = sale_notice(**{"notice_id": f"GG-{number}", "project_code": f"SLXJ01-2026-{number}", **(notice or {})})
    put(f"filing {number}", [row], sequence=sequence, **filing)
    return decide_one()


def answer_of(filing_id: str) -> Path:
    record = registry.find(filing_id)
    assert record is not None
    return home().answer(record.folder, filing_id)


def report_of(filing_id: str) -> Report:
    return Report.model_validate_json((answer_of(filing_id) / REPORT_JSON).read_bytes())


def worksheet_of(filing_id: str) -> bytes:
    return (answer_of(filing_id) / WORKSHEET_XLSX).read_bytes()


def fill(filing_id: str, cells: Fill, folder: str = FILER, **wanted: str | int) -> Path:
    """Put the filing's worksheet, with one line filled in, into an inbox."""
    content = worksheet_of(filing_id)
    return filled(content, home().inbox / folder / "更正表.xlsx", {line_for(content, **wanted): cells})


def told(filing_id: str) -> set[str]:
    return {rule.rule_id for rule in report_of(filing_id).rules}


def test_a_returned_filing_is_accepted_once_its_worksheet_is_filled_in_and_filed_back(npl_home: Any) -> None:
    put("filing", [sale_notice(**BROKEN)])
    returned, state = decide_one()
    assert (state, told(returned)) == ("rejected", {TIE})
    place = fill(returned, {"corrected": MENDED}, field="principal_interest_cny")
    before = check_path(place, load_standard())
    mended, state = decide_one()
    report = report_of(mended)
    assert state == "accepted"
    assert before.to_json_bytes() == (answer_of(mended) / REPORT_JSON).read_bytes()
    assert (report.filing.kind, report.filing.sequence) == ("original", 1)
    assert (report.compared_with, report.fixed_total) == (returned, 1)
    assert [one.rule_id for one in report.fixed or ()] == [TIE]
    assert sum(table.accepted for table in report.tables) == 1


@pytest.mark.usefixtures("few_rules")
def test_a_worksheet_may_work_on_a_worksheet() -> None:
    returned, _ = file(1, BROKEN)
    fill(returned, {"corrected": "77375977.31"}, field="principal_interest_cny")
    again, state = decide_one()
    assert state == "rejected"
    assert [finding.status for finding in report_of(again).findings] == ["new"]
    fill(again, {"corrected": MENDED}, field="principal_interest_cny")
    mended, state = decide_one()
    assert (state, report_of(mended).compared_with) == ("accepted", again)


@pytest.mark.usefixtures("few_rules")
def test_what_is_not_mended_is_still_open() -> None:
    returned, _ = file(1, {**BROKEN, **WARNED})
    fill(returned, {"corrected": "2026-03-27 09:30:00"}, field="free_bid_start_at")
    again, state = decide_one()
    report = report_of(again)
    assert state == "rejected"
    assert [(finding.rule_id, finding.status) for finding in report.findings] == [(TIE, "open")]
    assert [one.rule_id for one in report.fixed or ()] == [BIDDING_DAY]


@pytest.mark.usefixtures("few_rules")
def test_a_warning_with_a_reason_is_answered_for_good() -> None:
    warned, state = file(1, WARNED)
    assert (state, report_of(warned).unanswered_total) == ("accepted", 1)
    fill(warned, {"reason": "一次性或特殊事项"}, field="bid_date")
    answered, state = decide_one()
    report = report_of(answered)
    assert state == "accepted"
    assert registry.find(warned).state == "superseded"  # type: ignore[union-attr]
    assert [(finding.status, finding.answer) for finding in report.findings] == [("open", "one_off_event")]
    assert report.unanswered_total == 0
    assert [row["filing_id"] for row in registry.rows_of(registry_tables.answers)] == [answered]
    following, _ = file(2)
    assert told(following) == set()


@pytest.mark.usefixtures("few_rules")
def test_unanswered_warnings_are_warned_of_and_at_last_stop_further_filings() -> None:
    warned, _ = file(1, WARNED)
    for sequence in (2, 3, 4):
        filing_id, state = file(sequence)
        assert (state, told(filing_id)) == ("accepted", {UNANSWERED})
        assert report_of(filing_id).findings[0].values["unanswered_filing"] == warned
    stopped, state = file(5)
    assert (state, told(stopped)) == ("rejected", {TOO_LONG})
    fill(warned, {"reason": "historic_data"}, field="bid_date")
    assert decide_one()[1] == "accepted"
    following, state = file(6)
    assert (state, told(following)) == ("accepted", set())


@pytest.mark.usefixtures("few_rules")
def test_reasons_can_be_given_in_the_next_filing_itself() -> None:
    warned, _ = file(1, WARNED)
    (finding,) = report_of(warned).findings
    answers = [{"fingerprint": finding.fingerprint, "reason_code": "historic_data"}]
    following, state = file(2, manifest={"answers": answers})
    assert (state, told(following)) == ("accepted", set())


@pytest.mark.usefixtures("few_rules")
def test_an_unknown_reason_in_filing_json_is_told() -> None:
    filing_id, state = file(1, manifest={"answers": [{"fingerprint": "a" * 16, "reason_code": "因为"}]})
    problem = report_of(filing_id).problem
    assert state == "rejected"
    assert problem is not None
    assert "answers[0].reason_code" in problem.zh


@pytest.mark.usefixtures("few_rules")
def test_the_same_worksheet_twice_is_one_filing() -> None:
    returned, _ = file(1, BROKEN)
    place = fill(returned, {"corrected": MENDED}, field="principal_interest_cny")
    content = place.read_bytes()
    mended, _ = decide_one()
    place.write_bytes(content)
    assert receive.receive(place, FILER) == mended


@pytest.mark.usefixtures("few_rules")
def test_the_worksheet_of_a_filing_that_was_replaced_meanwhile_corrects_nothing() -> None:
    warned, _ = file(1, WARNED)
    put("correction", [sale_notice(remarks="更正")], sequence=1, replaces=warned)
    assert decide_one()[1] == "accepted"
    fill(warned, {"reason": "historic_data"}, field="bid_date")
    late, state = decide_one()
    assert (state, "NPL-FIL-011" in told(late)) == ("rejected", True)


@pytest.mark.usefixtures("few_rules")
def test_the_worksheet_of_another_institution_is_refused() -> None:
    returned, _ = file(1, BROKEN)
    fill(returned, {"corrected": MENDED}, OTHER_FILER, field="principal_interest_cny")
    filing_id, state = decide_one()
    problem = report_of(filing_id).problem
    assert (state, registry.find(filing_id).folder) == ("rejected", OTHER_FILER)  # type: ignore[union-attr]
    assert problem is not None
    assert "不是本机构的" in problem.zh


@pytest.mark.usefixtures("npl_home")
def test_the_worksheet_of_a_check_before_filing_is_told_to_mend_the_file_itself(tmp_path: Path) -> None:
    standard = load_standard()
    content = worksheet.render(check_path(put("filing", [sale_notice(**BROKEN)]), standard), standard)
    line = line_for(content, field="principal_interest_cny", row=2)
    report = check_path(filled(content, tmp_path / "w.xlsx", {line: {"corrected": MENDED}}), standard)
    assert report.verdict == "unreadable"
    assert report.problem is not None
    assert "请直接在原文件中修改" in report.problem.zh


@pytest.mark.usefixtures("few_rules")
def test_nobody_asks_the_collection_desk_for_reasons() -> None:
    desk = {"folder": "DESK", "manifest": {"institution": "DESK", "subject": FILER}}
    warned, state = file(1, {**WARNED, "source_kind": "public_notice"}, **desk)
    assert (state, BIDDING_DAY in told(warned)) == ("accepted", True)
    following, _ = file(2, {"source_kind": "public_notice"}, **desk)
    assert UNANSWERED not in told(following)
