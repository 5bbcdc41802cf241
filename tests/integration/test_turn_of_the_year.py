"""The clock at the turn of 2026 to 2027 in China, which is the pilot's last day as well."""

import datetime
from pathlib import Path

import pytest
import time_machine
from filings import FILER, NOTICE, decide_all, decide_one, judge_by, put, sale_notice, small_standard

from expectations.spec import Row
from ingest import registry
from ingest.calendar import local_day, owed
from ingest.config import settings
from ingest.paths import Home, home
from ingest.report.answer import REPORT_JSON
from ingest.report.model import Report
from ingest.standing import standings

LAST_SECOND, FIRST_SECOND = "2026-12-31T15:59:59Z", "2026-12-31T16:00:00Z"  # 23:59:59 and 00:00:00 by Beijing time
ASSET_MANAGER = "SLZG01"


@pytest.fixture(autouse=True)
def judged(npl_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    judge_by(monkeypatch, small_standard([NOTICE, "compliance_return"], "NPL-PKG-012", "NPL-PKG-015", "NPL-CMP-004"))


def notice_of(day: str) -> Row:
    year = day[:4]
    return sale_notice(
        announced_date=day,
        registration_deadline_at="",
        bid_date="",
        free_bid_start_at="",
        free_bid_end_at="",
        cutoff_date="2026-09-30",
        project_code=f"SLXJ01-{year}-002",
        package_name=f"示例第一消费金融有限公司关于{year}年第2期个人不良贷款（个人消费贷款）转让项目",
    )


def report_of(filing_id: str) -> bytes:
    return (home().answer(FILER, filing_id) / REPORT_JSON).read_bytes()


def warned(filing_id: str) -> dict[str, dict[str, str]]:
    """The rules that warn, each with what it shows."""
    report = Report.model_validate_json(report_of(filing_id))
    return {each.rule_id: each.values for each in report.findings}


def test_the_same_filing_is_judged_alike_in_both_years(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reports, days = [], []
    for number, moment in enumerate((LAST_SECOND, FIRST_SECOND)):
        monkeypatch.setenv("NPL_HOME", str(tmp_path / f"home {number}"))
        settings.cache_clear()
        put("december", [notice_of("2026-12-30")], period="2026-12")
        with time_machine.travel(moment, tick=False):
            filing_id, state = decide_one()
        reports.append((filing_id, state, report_of(filing_id)))
        (record,) = registry.all_filings()
        days.append(local_day(record.received_at))
    assert days == [datetime.date(2026, 12, 31), datetime.date(2027, 1, 1)]
    assert reports[0] == reports[1]
    assert reports[0][1] == "accepted"


@pytest.mark.parametrize(("moment", "status"), [(LAST_SECOND, "early"), (FIRST_SECOND, "on_time")])
def test_what_opens_with_the_new_year_is_early_until_midnight_in_china(moment: str, status: str) -> None:
    (due,) = [
        each
        for each in owed(datetime.date(2026, 12, 31), ASSET_MANAGER)
        if (each.period, each.table_name) == ("2026Q4", "compliance_return")
    ]
    assert due.opening_date == datetime.date(2027, 1, 1)
    put("returns", [], period="2026Q4", table="compliance_return", institution=ASSET_MANAGER)
    with time_machine.travel(moment, tick=False):
        assert decide_one()[1] == "accepted"
        assert [each.status for each in standings([due], registry.utc_now())] == [status]


@pytest.mark.parametrize(
    ("moment", "status"),
    [
        ("2027-01-15T15:59:59Z", "not_yet_due"),
        ("2027-01-15T16:00:00Z", "overdue"),
        ("2027-01-22T15:59:59Z", "overdue"),
        ("2027-01-22T16:00:00Z", "missing"),
    ],
)
def test_december_is_due_on_the_tenth_working_day_of_january(moment: str, status: str) -> None:
    """1 January is no working day, nor are two weekends: 4 to 8 and 11 to 15 are ten."""
    december = [each for each in owed(datetime.date(2026, 12, 31), FILER) if each.period == "2026-12"]
    with time_machine.travel(moment, tick=False):
        found = standings(december, registry.utc_now())
    assert {each.status for each in found} == {status}


def test_on_the_pilots_last_day_nothing_is_asked_and_on_the_next_the_filer_is_asked_for_the_act() -> None:
    put("last", [notice_of("2026-12-31")], period="2026-12")
    put("next", [notice_of("2027-01-01")], period="2027-01", sequence=2)
    with time_machine.travel(FIRST_SECOND, tick=False):
        states = decide_all()
    (last, of_last), (following, of_next) = sorted(states.items())
    assert (of_last, of_next) == ("accepted", "accepted")
    assert warned(last) == {}
    assert set(warned(following)) == {"NPL-PKG-015"}
    assert "2026-12-31" in str(warned(following))


def test_an_operators_row_carries_the_pilot_on(npl_home: Home) -> None:
    npl_home.register.mkdir(parents=True)
    (npl_home.register / "eligibility.csv").write_text(
        "role,institution_type,business,province_scope,province_codes,valid_from,valid_to,act,article,certainty,source\n"
        "seller,CF,batch_personal,all,,2027-01-01,2027-12-31,an act to come,,P,operator\n",
        encoding="utf-8",
    )
    put("next", [notice_of("2027-01-01")], period="2027-01")
    filing_id, state = decide_one()
    assert (state, warned(filing_id)) == ("accepted", {})
