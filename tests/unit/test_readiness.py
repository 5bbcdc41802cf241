"""Who is waited for before a release, and until when; and who is said to be missing in it."""

import datetime
from dataclasses import replace

import pytest

from ingest.calendar import Obligation, utc_start
from ingest.readiness import COMPLETE, CUT_OFF, OPEN, WAITING, PeriodReadiness, readiness_of
from ingest.standing import Standing

Day = datetime.date
OWED = Obligation(
    institution_id="BANK",
    period="2026-10",
    table_name="loan",
    institution_type="CB",
    is_demo=False,
    frequency="month",
    role="seller",
    period_start_date=Day(2026, 10, 1),
    period_end_date=Day(2026, 10, 31),
    opening_date=Day(2026, 10, 1),
    due_date=Day(2026, 11, 13),
    grace_date=Day(2026, 11, 20),
    is_provisional=False,
    certainty="U",
    source="test",
)
FILED_AT = datetime.datetime(2026, 11, 2)
MID_NOVEMBER = utc_start(Day(2026, 11, 15))


def filed(**changes: object) -> Standing:
    return Standing(replace(OWED, **changes), "on_time", FILED_AT)


def owing(status: str = "overdue", **changes: object) -> Standing:
    return Standing(replace(OWED, **changes), status, None)


def only(*standings: Standing, moment: datetime.datetime = MID_NOVEMBER) -> PeriodReadiness:
    (period,) = readiness_of(standings, moment)
    return period


def test_one_who_owes_is_waited_for_until_the_grace_day_is_over() -> None:
    standings = (filed(), owing(institution_id="SLOW"))
    last = utc_start(Day(2026, 11, 21)) - datetime.timedelta(microseconds=1)
    waiting = only(*standings, moment=last)
    assert (waiting.decision, waiting.awaited, waiting.due) == (WAITING, ("SLOW",), 2)
    assert waiting.cutoff_at == utc_start(Day(2026, 11, 21))
    after = only(*standings, moment=waiting.cutoff_at)
    assert (after.decision, after.awaited) == (CUT_OFF, ())
    assert [each.institution for each in after.not_filed] == ["SLOW"], "who is missing is told all the same"


def test_all_in_is_complete_and_one_table_short_is_not() -> None:
    assert only(filed(), filed(institution_id="SLOW")).decision == COMPLETE
    short = only(filed(), owing(table_name="collateral"))
    assert short.decision == WAITING
    (not_filed,) = short.not_filed
    assert not_filed.tables == ("collateral",)


@pytest.mark.parametrize("status", ["undecided", "not_yet_due", "overdue", "missing"])
def test_what_has_no_verdict_yet_is_not_in(status: str) -> None:
    told = only(owing(status))
    assert (told.decision, told.not_filed[0].status) == (WAITING, status)


def test_nobody_waits_for_an_invented_institution() -> None:
    told = only(filed(), owing(institution_id="SLXJ01", is_demo=True))
    assert (told.decision, told.awaited, len(told.not_filed)) == (OPEN, (), 1)


def test_a_period_that_goes_on_holds_nothing_up() -> None:
    last = utc_start(Day(2026, 11, 1)) - datetime.timedelta(microseconds=1)
    assert readiness_of([owing("not_yet_due")], last) == []
    assert only(owing("not_yet_due"), moment=utc_start(Day(2026, 11, 1))).decision == WAITING


def test_each_table_is_waited_for_until_its_own_grace_day() -> None:
    early = owing("missing", grace_date=Day(2026, 11, 10))
    late = filed(table_name="collateral", grace_date=Day(2026, 11, 20))
    told = only(early, late)
    assert told.awaited == (), "its grace is over, though another table's is not"
    assert told.decision == OPEN


def test_periods_come_by_their_cut_off_and_the_worst_table_tells() -> None:
    quarter = owing("not_yet_due", period="2026Q3", grace_date=Day(2026, 11, 18), table_name="compliance_return")
    month = (owing("missing"), owing("overdue", table_name="collateral"))
    periods = readiness_of([*month, quarter], MID_NOVEMBER)
    assert [each.period for each in periods] == ["2026Q3", "2026-10"]
    assert periods[1].to_dict() == {
        "period": "2026-10",
        "decision": WAITING,
        "cutoff_at": "2026-11-20T16:00:00Z",
        "institutions_due": 1,
        "institutions_filed": 0,
        "not_filed": [
            {
                "institution": "BANK",
                "period": "2026-10",
                "tables": ["collateral", "loan"],
                "due_date": "2026-11-13",
                "grace_date": "2026-11-20",
                "status": "missing",
                "is_demo": False,
            }
        ],
        "awaited": ["BANK"],
    }
