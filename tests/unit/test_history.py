"""What earlier filings say on a filing's findings: new, open, fixed, answered; and nothing where a list is cut."""

from typing import Any

import pytest

from expectations.spec import load_standard
from ingest.history import Earlier, compared
from ingest.manifest import Manifest
from ingest.reasons import with_reason_codes
from ingest.report import findings_csv, html, text
from ingest.report.model import Report

FIRST, CUT = "NPL-PKG-040", "NPL-PKG-033"
BEFORE = Earlier("SLXJ01-2026-03-0001-0a1b2c3d", {"a" * 16: FIRST, "b" * 16: FIRST, "c" * 16: CUT})


def manifest(*answers: tuple[str, str]) -> Manifest:
    told = [{"fingerprint": fingerprint, "reason_code": code} for fingerprint, code in answers]
    return Manifest.model_validate(
        {"institution": "SLXJ01", "period": "2026-03", "sequence": 2, "kind": "original", "answers": told}
    )


def finding(fingerprint: str, rule_id: str = FIRST, severity: str = "warn") -> dict[str, Any]:
    return {"fingerprint": fingerprint, "rule_id": rule_id, "severity": severity}


def fixed(told: dict[str, Any]) -> list[str]:
    return [one["fingerprint"][0] for one in told["fixed"]]


def test_a_finding_is_open_when_the_filing_before_had_it_and_new_when_not() -> None:
    findings = [finding("a" * 16), finding("d" * 16)]
    told = compared(findings, {FIRST: 2}, manifest(), BEFORE)
    assert [one["status"] for one in findings] == ["open", "new"]
    assert (told["compared_with"], told["fixed_total"], fixed(told)) == (BEFORE.filing_id, 2, ["c", "b"])


def test_a_first_filing_is_compared_with_nothing() -> None:
    findings = [finding("a" * 16)]
    assert compared(findings, {FIRST: 1}, manifest(), Earlier()) == {}
    assert "status" not in findings[0]


def test_nothing_is_called_fixed_of_a_rule_whose_findings_are_not_all_listed_now() -> None:
    told = compared([finding("a" * 16)], {FIRST: 1203}, manifest(), BEFORE)
    assert fixed(told) == ["c"]


def test_nothing_is_called_new_or_fixed_of_a_rule_whose_findings_were_not_all_listed_before() -> None:
    before = Earlier(BEFORE.filing_id, BEFORE.rules, frozenset({CUT}))
    findings = [finding("e" * 16, CUT), finding("d" * 16)]
    told = compared(findings, {CUT: 1, FIRST: 1}, manifest(), before)
    assert [one["status"] for one in findings] == [None, "new"]
    assert fixed(told) == ["a", "b"]


def test_a_warning_shows_the_latest_reason_and_a_rejection_takes_none() -> None:
    before = Earlier(reasons={"a" * 16: "historic_data", "b" * 16: "historic_data", "c" * 16: "historic_data"})
    findings = [finding("a" * 16), finding("b" * 16), finding("c" * 16, severity="reject"), finding("d" * 16)]
    compared(findings, {FIRST: 4}, manifest(("b" * 16, "one_off_event")), before)
    assert [one["answer"] for one in findings] == ["historic_data", "one_off_event", None, None]


def test_a_reason_may_be_spelled_as_its_name_and_stands_once() -> None:
    answers = manifest(("a" * 16, "一次性或特殊事项"), ("a" * 16, "one_off_event"))
    (answer,) = with_reason_codes(answers, load_standard(), "filing.json").answers
    assert answer.reason_code == "one_off_event"


@pytest.mark.parametrize("render", [text.render, html.render, lambda report, _: findings_csv.render(report).decode()])
def test_every_report_shows_what_became_of_a_finding_and_its_reason(render: Any) -> None:
    report = Report.model_validate(
        {
            "verdict": "accepted",
            "standard": {"version": "2.0", "sha256": "0" * 64},
            "filing": {"institution": "SLXJ01"},
            "tables": [{"table": "package_notice", "rows": 1, "accepted": 1, "held": 0}],
            "rules": [{"rule_id": CUT, "severity": "warn", "category": "logical", "count": 1}],
            "findings": [
                finding("a" * 16, CUT)
                | {"category": "logical", "table": "package_notice", "file": "n.csv", "row": 2, "key": "GG-1"}
                | {"fields": ["bid_date"], "values": {"bid_date": "2026-09-01"}, "suggestion": None}
                | {"message": {"zh": "有误。", "en": "Wrong."}, "remedy": {"zh": "请改正。", "en": "Mend it."}}
                | {"status": "open", "answer": "one_off_event"}
            ],
            "findings_total": 1,
            "compared_with": BEFORE.filing_id,
            "fixed_total": 7,
            "fixed": [],
        }
    )
    shown = render(report, load_standard())
    assert report.unanswered_total == 0
    if "one_off_event" in shown:  # the table for programs
        assert ",open,one_off_event" in shown
    else:
        assert "未改 Still open · 理由 Reason：一次性或特殊事项" in shown
        assert "已改 7 处" in shown
        assert "无需处理" in shown
