"""The filing calendar: working days against a slow reference, and who owes what until when."""

import csv
import datetime
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path

import holidays
import pytest
from hypothesis import given
from hypothesis import strategies as st

from expectations.spec import load_standard
from ingest import register
from ingest.calendar import Obligation, local_day, owed, periods_between, utc_start
from ingest.config import settings
from ingest.errors import StandardError
from ingest.paths import Home
from ingest.register import REGISTER_DIR
from ingest.standing import covered_since
from ingest.working_days import load_working_days


@pytest.fixture(scope="module", autouse=True)
def _no_corrections(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Registers as shipped, whatever stands in the home of whoever runs the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NPL_HOME", str(tmp_path_factory.mktemp("home")))
        settings.cache_clear()
        yield
    settings.cache_clear()


Day = datetime.date
DAYS = st.dates(Day(2024, 1, 1), Day(2028, 12, 31))


def announced() -> dict[str, bool]:
    """The register as anybody would read it."""
    with (REGISTER_DIR / "working_days.csv").open(encoding="utf-8", newline="") as handle:
        return {row["day"]: row["is_working_day"] == "true" for row in csv.DictReader(handle)}


def is_worked(day: Day) -> bool:
    """The slow reference: told by the register; else a weekday, unless the library calls it off or made up."""
    told = announced()
    if str(day) in told:
        return told[str(day)]
    library = holidays.CN(years=[day.year])
    return day in library.weekend_workdays or (day.weekday() < 5 and day not in library)


@pytest.mark.parametrize("year", [2025, 2026, 2027])
def test_every_day_of_a_year_is_worked_as_the_slow_reference_says(year: int) -> None:
    days = load_working_days()
    every = [Day(year, 1, 1) + datetime.timedelta(number) for number in range(365)]
    told = announced()
    library = holidays.CN(years=[year])
    expected = {
        day: told.get(str(day), day in library.weekend_workdays or (day.weekday() < 5 and day not in library))
        for day in every
    }
    assert {day: days.is_working(day) for day in every} == expected
    assert 240 < sum(expected.values()) < 255


@given(DAYS, st.integers(0, 30))
def test_the_nth_working_day_has_n_working_days_up_to_it(day: Day, count: int) -> None:
    days = load_working_days()
    later, earlier = days.after(day, count), days.before(day, count)
    between = [day + datetime.timedelta(each + 1) for each in range((later - day).days)]
    assert sum(map(days.is_working, between)) == count
    assert count == 0 or days.is_working(later)
    before = [day - datetime.timedelta(each + 1) for each in range((day - earlier).days)]
    assert sum(map(days.is_working, before)) == count
    assert count == 0 or days.is_working(earlier)


@given(DAYS)
def test_the_next_working_day_is_the_one_that_a_walk_finds(day: Day) -> None:
    walked = day + datetime.timedelta(1)
    while not is_worked(walked):
        walked += datetime.timedelta(1)
    assert load_working_days().after(day, 1) == walked


@pytest.mark.parametrize(
    ("day", "count", "expected"),
    [
        ("2025-12-31", 1, "2026-01-04"),  # a Sunday that makes up for New Year
        ("2026-02-13", 1, "2026-02-14"),  # a Saturday before Spring Festival
        ("2026-02-14", 1, "2026-02-24"),  # nine days off
        ("2026-02-27", 1, "2026-02-28"),  # a Saturday after it
        ("2026-02-28", 1, "2026-03-02"),
        ("2026-09-18", 1, "2026-09-20"),
        ("2026-09-30", 3, "2026-10-10"),
        ("2026-12-31", 1, "2027-01-04"),
        ("2027-02-04", 1, "2027-02-11"),  # Spring Festival 2027, without make-up days: not announced
    ],
)
def test_holidays_and_make_up_days_are_counted_as_announced(day: str, count: int, expected: str) -> None:
    assert load_working_days().after(Day.fromisoformat(day), count) == Day.fromisoformat(expected)


def test_the_register_says_of_2026_what_the_library_says() -> None:
    """The library had the notice on 2026 as well: two readers of one text agree."""
    library = holidays.CN(years=[2026])
    days = load_working_days()
    every = [Day(2026, 1, 1) + datetime.timedelta(number) for number in range(365)]
    assert [day for day in every if days.is_working(day) != library.is_working_day(day)] == []


def test_a_year_that_is_not_announced_says_so() -> None:
    rows = register.working_days().to_pylist()
    assert {row["certainty"] for row in rows if row["day"].year == 2026} == {"P"}
    assert {row["certainty"] for row in rows if row["day"].year == 2027} == {"U"}
    assert all("missing" in row["source"] for row in rows if row["day"].year == 2027)
    days = load_working_days()
    assert days.is_settled(Day(2026, 12, 31))
    assert not days.is_settled(Day(2027, 1, 1))


def operators_file(home: Home, name: str, lines: Iterable[str]) -> None:
    home.register.mkdir(parents=True, exist_ok=True)
    header = (REGISTER_DIR / name).read_text(encoding="utf-8").splitlines()[0]
    (home.register / name).write_text("\n".join([header, *lines, ""]), encoding="utf-8")


def due_dates(institution: str, until: str) -> dict[tuple[str, str], Obligation]:
    return {(each.period, each.table_name): each for each in owed(Day.fromisoformat(until), institution)}


def test_an_operator_announces_a_year_and_its_dates_settle(npl_home: Home) -> None:
    assert due_dates("SLZG01", "2027-02-01")["2027-01", "transfer_result"].is_provisional
    before = due_dates("SLZG01", "2027-02-01")["2027-01", "transfer_result"].due_date
    operators_file(
        npl_home, "working_days.csv", ["2027-02-10,true,春节调休上班,Make-up workday,P,an invented notice on 2027"]
    )
    after = due_dates("SLZG01", "2027-02-01")["2027-01", "transfer_result"]
    assert not after.is_provisional
    assert after.due_date < before


def test_the_month_is_due_on_its_tenth_working_day_and_in_grace_for_five_more() -> None:
    found = due_dates("SLXJ01", "2026-09-01")["2026-09", "package_notice"]
    # 8, 9, 10 (a Saturday that is worked), 12 to 16, 19, 20 October
    assert (found.opening_date, found.due_date, found.grace_date) == (
        Day(2026, 9, 1),
        Day(2026, 10, 20),
        Day(2026, 10, 27),
    )
    assert found.due_before == datetime.datetime(2026, 10, 20, 16)
    assert local_day(found.due_before - datetime.timedelta(microseconds=1)) == found.due_date


def test_a_quarter_opens_after_its_end_across_the_end_of_the_year() -> None:
    found = due_dates("SLZG01", "2026-12-31")["2026Q4", "recovery"]
    assert found.opening_date == Day(2027, 1, 1)
    assert found.due_date == Day(2027, 1, 22)
    assert found.is_provisional


def test_who_does_not_take_part_owes_nothing_and_who_joins_owes_from_then_on(npl_home: Home) -> None:
    assert owed(Day(2026, 12, 31), "ICBC") == []
    operators_file(npl_home, "participation.csv", ["ICBC,2026-06-15,2026-09-30,joined and left"])
    found = owed(Day(2026, 12, 31), "ICBC")
    assert {each.period for each in found} == {"2026-06", "2026-07", "2026-08", "2026-09", "2026Q2", "2026Q3"}
    assert {each.table_name for each in found if each.period == "2026-06"} == {
        "package_notice",
        "loan",
        "collateral",
        "transfer_result",
    }
    assert {each.table_name for each in found if each.period == "2026Q3"} == {"compliance_return"}


def test_what_a_seller_owes_goes_on_after_the_pilots_last_day_until_policy_follows(npl_home: Home) -> None:
    """The extension to 2026-12-31 says so; then an act of 2027 that leaves consumer finance out ends it."""
    assert ("2027-03", "package_notice") in due_dates("SLXJ01", "2027-03-31")
    follow_on = "seller,JSB,{},all,,2027-01-01,2027-12-31,an act to come,,U,an operator"
    operators_file(
        npl_home, "eligibility.csv", [follow_on.format(each) for each in ("batch_personal", "single_corporate")]
    )
    register.forget()
    found = owed(Day(2027, 3, 31), "SLXJ01")
    assert "2026-12" in {each.period for each in found if each.role == "seller"}
    assert {each.table_name for each in found if each.period.startswith("2027")} == {"compliance_return"}
    assert "2027-03" in {each.period for each in owed(Day(2027, 3, 31), "SLYH02") if each.role == "seller"}


def test_a_bank_of_a_province_outside_the_pilot_owes_what_other_acts_ask_of_it(npl_home: Home) -> None:
    operators_file(
        npl_home, "obligations.csv", ["CB,buyer,recovery,month,2026-01-01,,after_period,10,5,U,nobody admits it"]
    )
    found = owed(Day(2026, 12, 31), "SLYH01")
    assert "recovery" not in {each.table_name for each in found}
    assert "package_notice" in {each.table_name for each in found}


def test_an_operators_row_replaces_ours(npl_home: Home) -> None:
    operators_file(
        npl_home,
        "obligations.csv",
        ["CF,seller,package_notice,month,2026-01-01,2026-06-30,period_start,3,0,U,shorter until June"],
    )
    found = due_dates("SLXJ01", "2026-07-31")
    assert found["2026-05", "package_notice"].due_date == Day(2026, 6, 3)
    assert found["2026-05", "package_notice"].grace_date == Day(2026, 6, 3)
    assert ("2026-07", "package_notice") not in found
    assert ("2026-07", "loan") in found


@pytest.mark.parametrize(
    ("name", "line", "said"),
    [
        ("participation.csv", "NOBODY,2026-01-01,,x", "unknown institution"),
        ("obligations.csv", "CF,seller,nothing,month,2026-01-01,,period_start,3,0,U,x", "unknown value"),
        ("obligations.csv", "CF,seller,loan,week,2026-01-01,,period_start,3,0,U,x", "unknown value"),
        ("obligations.csv", "CF,seller,loan,month,2026-01-01,,period_start,many,0,U,x", "line 2"),
        ("working_days.csv", "2027-13-01,true,x,x,P,x", "line 2"),
    ],
)
def test_a_broken_operators_file_is_refused_by_name(npl_home: Home, name: str, line: str, said: str) -> None:
    operators_file(npl_home, name, [line])
    with pytest.raises(StandardError, match=said):
        owed(Day(2026, 12, 31))


def test_two_rows_of_one_key_are_refused(npl_home: Home) -> None:
    operators_file(npl_home, "participation.csv", ["ICBC,2026-01-01,,x", "ICBC,2026-01-01,2026-05-31,y"])
    with pytest.raises(StandardError, match="two rows"):
        owed(Day(2026, 12, 31))


def test_every_obligation_says_that_it_is_a_rule_of_the_platform_and_names_a_table() -> None:
    rows = register.obligations().to_pylist()
    assert len(rows) > 40
    assert {row["certainty"] for row in rows} == {"U"}
    assert all(row["source"].startswith("platform rule") for row in rows)
    assert {row["table_name"] for row in rows} == set(load_standard().tables)
    known = {code.code for code in load_standard().codes["institution_type"]}
    assert {row["institution_type"] for row in rows} <= known
    assert "PLATFORM" not in {row["institution_type"] for row in rows}


def test_only_invented_institutions_take_part_in_what_is_shipped() -> None:
    for identifier in register.participation()["institution_id"].to_pylist():
        institution = register.institution(identifier)
        assert institution is not None
        assert institution["is_demo"], identifier


@given(DAYS, st.integers(0, 500), st.sampled_from(["month", "quarter"]))
def test_periods_follow_one_another_without_gap(first: Day, length: int, frequency: str) -> None:
    from ingest.manifest import period_bounds

    last = first + datetime.timedelta(length)
    bounds = [period_bounds(each) for each in periods_between(frequency, first, last)]
    assert bounds[0][0] <= first <= bounds[0][1]
    assert bounds[-1][0] <= last <= bounds[-1][1]
    assert all(one[1] + datetime.timedelta(1) == two[0] for one, two in pairwise(bounds))


@given(DAYS)
def test_a_day_of_china_begins_eight_hours_before_that_of_utc(day: Day) -> None:
    assert utc_start(day) == datetime.datetime.combine(day, datetime.time()) - datetime.timedelta(hours=8)


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(1, 40), st.booleans()), max_size=6))
def test_a_table_is_covered_since_the_last_moment_before_which_nothing_was_in_force(
    spans: list[tuple[int, int, bool]],
) -> None:
    start = datetime.datetime(2026, 1, 1)
    filings = [
        {
            "filing_id": str(number),
            "received_at": start + datetime.timedelta(days=first, hours=-1),
            "known_from": start + datetime.timedelta(days=first),
            "known_to": None if is_open else start + datetime.timedelta(days=first + length),
        }
        for number, (first, length, is_open) in enumerate(spans)
    ]

    def stands(day: int) -> bool:
        """Whether a filing was in force in the day that follows."""
        return any(first <= day and (is_open or day < first + length) for first, length, is_open in spans)

    if not any(is_open for *_, is_open in spans):
        assert covered_since(filings) is None
        return
    day = max(first + length for first, length, _ in spans) + 1
    while stands(day - 1):
        day -= 1
    assert covered_since(filings) == start + datetime.timedelta(days=day, hours=-1)


def test_the_shipped_files_have_no_row_twice() -> None:
    for name in ("working_days.csv", "obligations.csv", "participation.csv"):
        lines = Path(REGISTER_DIR / name).read_text(encoding="utf-8").splitlines()
        assert len(lines) == len(set(lines)) > 1
