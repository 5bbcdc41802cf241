"""`npl calendar` as it is typed."""

import json

import pytest
from typer.testing import CliRunner

from ingest.cli import app
from ingest.cli_calendar import STATUS_TEXT
from ingest.paths import Home
from ingest.standing import FILED, NOT_FILED, UNDECIDED

runner = CliRunner()


def test_every_status_has_words_in_both_languages() -> None:
    assert set(STATUS_TEXT) == {*FILED, *NOT_FILED, UNDECIDED}


def test_what_is_owed_is_shown_with_its_dates_and_what_is_not_announced_is_marked(npl_home: Home) -> None:
    result = runner.invoke(app, ["calendar", "SLZG01", "--as-of", "2026-12-31"])
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0] == "示例东部资产管理有限公司 SLZG01 2026-04"
    assert lines[1] == (
        "  转让结果 transfer_result\t开放 opens 2026-04-01\t截止 due 2026-05-18\t宽限 grace 2026-05-25\t未报 missing"
    )
    assert any("due 2027-01-22 *" in line and "not yet open" in line for line in lines)
    assert lines[-2].startswith("* ")
    assert "platform rules" in lines[-1]


@pytest.mark.parametrize(
    ("day", "status"), [("2026-05-18", "not_yet_due"), ("2026-05-19", "overdue"), ("2026-05-26", "missing")]
)
def test_as_of_is_the_end_of_a_day_in_china(npl_home: Home, day: str, status: str) -> None:
    result = runner.invoke(app, ["calendar", "SLZG01", "--period", "2026-04", "--as-of", day, "--format", "json"])
    (row,) = json.loads(result.stdout)
    assert row["status"] == status
    assert row["filed_at"] is None
    assert row["certainty"] == "U"


def test_the_ics_file_is_short_lines_with_one_event_a_due_day(npl_home: Home) -> None:
    result = runner.invoke(app, ["calendar", "--as-of", "2026-06-30", "--format", "ics"])
    lines = result.stdout_bytes.split(b"\r\n")
    assert all(len(line) <= 75 for line in lines)
    assert lines[0] == b"BEGIN:VCALENDAR"
    assert lines[-2:] == [b"END:VCALENDAR", b""]
    uids = [line for line in lines if line.startswith(b"UID:")]
    # three months and a quarter of each of the six that take part
    assert len(uids) == len(set(uids)) == 6 * 4


@pytest.mark.parametrize("arguments", [["NOBODY"], ["--period", "2026-13"], ["--as-of", "tomorrow"]])
def test_what_it_cannot_know_is_wrong_usage(npl_home: Home, arguments: list[str]) -> None:
    from ingest.errors import UsageError

    result = runner.invoke(app, ["calendar", *arguments])
    assert isinstance(result.exception, UsageError)
    assert result.exception.zh
    assert result.exception.en


def test_nothing_owed_is_said(npl_home: Home) -> None:
    result = runner.invoke(app, ["calendar", "ICBC"])
    assert "没有应报的表" in result.stdout
