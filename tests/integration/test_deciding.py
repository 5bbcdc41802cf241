"""What becomes of a filing: every row of the table in docs/deciding.md is filed and decided."""

import json
import re
import shutil
import threading
from collections.abc import Callable
from typing import Any, NamedTuple

import pyarrow.parquet as pq
import pytest
from filings import FILER, NOTICE, judge_by, put, sale_notice, small_standard
from typer.testing import CliRunner

from expectations.spec import Row
from ingest import accept, check, cli, receive, registry, registry_tables
from ingest.config import PROJECT_DIR
from ingest.errors import JudgeError
from ingest.lanes import decide_lane, lanes
from ingest.paths import Home, home
from ingest.report.answer import REPORT_JSON

OTHER_FILER, DESK = "SLYH02", "DESK"
PAGES = {language: PROJECT_DIR / "docs" / f"deciding{suffix}.md" for language, suffix in (("en", ""), ("zh", ".zh"))}
TABLE_ROW = re.compile(
    r"^\| `(?P<situation>\w+)`[:：] ?(?P<words>[^|]+) \| (?P<state>\w+) \| (?P<rules>[^|]*) ?\| (?P<named>\w*) ?\|$"
)
TIE, RELISTED_IN_TITLE = "NPL-PKG-040", "NPL-PKG-064"
BROKEN: Row = {"principal_interest_cny": "77375977.30", "claim_total_cny": ""}
NOBODYS = f"{FILER}-2026-03-0001-00000000"


class Outcome(NamedTuple):
    """A row of the table: the state it comes to, the rules that say why, and the state of the filing that it names."""

    state: str
    rules: list[str]
    named: str


def page_rows(language: str) -> dict[str, Outcome]:
    matches = [TABLE_ROW.match(line) for line in PAGES[language].read_text(encoding="utf-8").splitlines()]
    return {row["situation"]: Outcome(row["state"], row["rules"].split(), row["named"]) for row in matches if row}


EXPECTED = page_rows("en")
SITUATIONS: dict[str, Callable[[], tuple[str, str | None]]] = {}


def situation(make: Callable[[], tuple[str, str | None]]) -> Callable[[], tuple[str, str | None]]:
    """A way to bring about one row of the table: it returns the filing that the row is about, and the one it names."""
    SITUATIONS[make.__name__] = make
    return make


@pytest.fixture
def few_rules(npl_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    judge_by(monkeypatch, small_standard([NOTICE], TIE, RELISTED_IN_TITLE))


def receive_now(**filing: Any) -> str:
    """Drop one filing and have it received; its id."""
    notice = filing.pop("notice", {})
    rows = filing.pop("rows", [sale_notice(**notice)])
    place = put(f"filing {len(list(home().inbox.rglob('*')))}", rows, **filing)
    sha256 = receive.content_digest(place)
    folder = place.parent.name
    receive.receive_waiting()
    found = registry.find_by_content(folder, sha256)
    assert found is not None
    return found.filing_id


def run() -> None:
    """What a run decides: everything that waits, in one lane."""
    for lane in lanes((record.filing_id for record in registry.undecided()), 1):
        decide_lane(lane)


def file(**filing: Any) -> str:
    """Drop one filing, receive and decide it; its id."""
    filing_id = receive_now(**filing)
    run()
    return filing_id


def correct(named: str, sequence: int = 2, **filing: Any) -> str:
    return file(**{"sequence": sequence, "replaces": named, "notice": {"remarks": f"更正 {sequence}"}} | filing)


def withdraw(named: str, sequence: int = 3, **filing: Any) -> str:
    return file(sequence=sequence, replaces=named, tables={}, manifest={"kind": "withdrawal"}, **filing)


def rows_in_force(zone: str) -> int:
    """Rows of the filings in force in `accepted` or `held`."""
    files = {file.stem: file for file in (home().root / zone).rglob("*.parquet")}
    kept = [files[record.filing_id] for record in registry.in_force() if record.filing_id in files]
    return sum(pq.read_metadata(file).num_rows for file in kept)


def notices(count: int, relisted: int = 0) -> list[Row]:
    """Notices of as many packages, some of which say re-listed in their title alone."""
    rows = [
        sale_notice(
            notice_id=f"GG-{number}",
            project_code=f"SLXJ01-2026-{number:03}",
            package_name=f"示例第一消费金融有限公司关于2026年第{number}期个人不良贷款（个人消费贷款）转让项目",
        )
        for number in range(1, count + 1)
    ]
    for row in rows[:relisted]:
        row["package_name"] = f"{row['package_name']}（重新挂牌）"
    return rows


@situation
def first() -> tuple[str, str | None]:
    return file(), None


@situation
def broken_rule() -> tuple[str, str | None]:
    return file(notice=BROKEN), None


@situation
def few_holds() -> tuple[str, str | None]:
    return file(rows=notices(20, relisted=1)), None


@situation
def many_holds() -> tuple[str, str | None]:
    return file(rows=notices(20, relisted=2)), None


@situation
def unreadable() -> tuple[str, str | None]:
    return file(spoil=lambda _: "\x00\x01 not a table"), None


def broken_judge(*_: Any) -> Any:
    raise JudgeError("坏了", "broken", detail="for the operator")


@situation
def our_fault() -> tuple[str, str | None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(check, "_judge_of_record", broken_judge)
        return file(), None


@situation
def our_fault_mended() -> tuple[str, str | None]:
    filing_id, _ = our_fault()
    run()
    return filing_id, None


@situation
def same_bytes() -> tuple[str, str | None]:
    assert file() == file()
    return registry.all_filings()[0].filing_id, None


@situation
def same_bytes_after_rejection() -> tuple[str, str | None]:
    assert file(notice=BROKEN) == file(notice=BROKEN)
    return registry.all_filings()[0].filing_id, None


@situation
def same_bytes_after_withdrawal() -> tuple[str, str | None]:
    original = file()
    withdraw(original)
    return file(), None


@situation
def same_bytes_other_folder() -> tuple[str, str | None]:
    original = file()
    return file(folder=OTHER_FILER), original


@situation
def other_institution() -> tuple[str, str | None]:
    return file(folder=OTHER_FILER), None


@situation
def sequence_gap() -> tuple[str, str | None]:
    file()
    return file(sequence=5, rows=notices(2)), None


@situation
def sequence_late() -> tuple[str, str | None]:
    file(sequence=5)
    return file(sequence=1, rows=notices(2)), None


@situation
def sequence_in_force() -> tuple[str, str | None]:
    original = file()
    return file(rows=notices(2)), original


@situation
def sequence_rejected() -> tuple[str, str | None]:
    rejected = file(notice=BROKEN)
    return file(), rejected


@situation
def sequence_withdrawn() -> tuple[str, str | None]:
    original = file()
    withdraw(original)
    return file(notice={"remarks": "重新报送"}), original


@situation
def original_names() -> tuple[str, str | None]:
    original = file()
    return file(sequence=2, rows=notices(2), manifest={"kind": "original", "replaces": original}), original


@situation
def correction() -> tuple[str, str | None]:
    original = file()
    return correct(original), original


@situation
def correction_broken() -> tuple[str, str | None]:
    original = file()
    return correct(original, notice=BROKEN), original


@situation
def correction_releases() -> tuple[str, str | None]:
    original = file(rows=notices(20, relisted=1))
    assert (rows_in_force("accepted"), rows_in_force("held")) == (19, 1)
    corrected = correct(original, rows=notices(20))
    assert (rows_in_force("accepted"), rows_in_force("held")) == (20, 0)
    return corrected, original


@situation
def correction_of_correction() -> tuple[str, str | None]:
    corrected = correct(file())
    return correct(corrected, sequence=3), corrected


@situation
def correction_same_sequence() -> tuple[str, str | None]:
    original = file()
    return correct(original, sequence=1), original


@situation
def correction_third_sequence() -> tuple[str, str | None]:
    original = file()
    file(sequence=2, rows=notices(2))
    return correct(original, sequence=2), original


@situation
def correction_second() -> tuple[str, str | None]:
    original = file()
    receive_now(sequence=2, replaces=original, notice={"remarks": "甲"})
    second = receive_now(sequence=3, replaces=original, notice={"remarks": "乙"})
    run()
    return second, original


@situation
def correction_of_superseded() -> tuple[str, str | None]:
    original = file()
    correct(original)
    return correct(original, sequence=3), original


@situation
def correction_of_rejected() -> tuple[str, str | None]:
    rejected = file(notice=BROKEN)
    return correct(rejected), rejected


@situation
def correction_of_withdrawn() -> tuple[str, str | None]:
    original = file()
    withdraw(original)
    return correct(original), original


@situation
def correction_of_withdrawal() -> tuple[str, str | None]:
    withdrawal = withdraw(file())
    return correct(withdrawal), withdrawal


@situation
def correction_of_other() -> tuple[str, str | None]:
    original = file()
    return correct(original, institution=OTHER_FILER), original


@situation
def correction_of_unknown() -> tuple[str, str | None]:
    return correct(NOBODYS), None


@situation
def correction_other_period() -> tuple[str, str | None]:
    original = file()
    return correct(original, period="2026-04"), original


@situation
def correction_other_subject() -> tuple[str, str | None]:
    original = file(institution=DESK, manifest={"subject": FILER})
    return correct(original, institution=DESK, manifest={"subject": OTHER_FILER}), original


@situation
def correction_with_original() -> tuple[str, str | None]:
    # an id is known before filing: `npl check` tells it
    original = file()
    entry = receive.landed_entry(registry.all_filings()[0].sha256)
    bytes_of = {each.name: each.read_bytes() for each in entry.iterdir()}
    shutil.rmtree(home().root)
    early = receive_now(sequence=2, replaces=original, notice={"remarks": "更正"})
    late = home().inbox / FILER / "late"
    late.mkdir()
    for name, content in bytes_of.items():
        (late / name).write_bytes(content)
    receive.receive_waiting()
    assert [record.filing_id for record in registry.undecided()] == [early, original]
    run()
    return early, original


@situation
def correction_too_early() -> tuple[str, str | None]:
    original = file()
    shutil.rmtree(home().root)
    early = correct(original)
    assert file() == original
    return early, original


@situation
def correction_waits() -> tuple[str, str | None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(check, "_judge_of_record", broken_judge)
        original = file()
        return correct(original), original


@situation
def withdrawal() -> tuple[str, str | None]:
    original = file()
    withdrawn = withdraw(original)
    assert rows_in_force("accepted") == 0
    return withdrawn, original


@situation
def withdrawal_with_data() -> tuple[str, str | None]:
    original = file()
    return correct(original, manifest={"kind": "withdrawal"}), original


@situation
def withdrawal_of_superseded() -> tuple[str, str | None]:
    original = file()
    correct(original)
    return withdraw(original), original


@situation
def withdrawal_of_withdrawn() -> tuple[str, str | None]:
    original = file()
    withdraw(original)
    return withdraw(original, sequence=4), original


@situation
def withdrawal_of_withdrawal() -> tuple[str, str | None]:
    withdrawn = withdraw(file())
    return withdraw(withdrawn, sequence=4), withdrawn


def told(filing_id: str) -> list[str]:
    """The rules of severity reject and hold that the answer names."""
    record = registry.find(filing_id)
    assert record is not None
    report = json.loads((home().answer(record.folder, filing_id) / REPORT_JSON).read_text(encoding="utf-8"))
    assert report["filing"].get("filing_id", filing_id) == filing_id
    return sorted(rule["rule_id"] for rule in report["rules"] if rule["severity"] in ("reject", "hold"))


def state_of(filing_id: str) -> str:
    record = registry.find(filing_id)
    assert record is not None
    return record.state


def test_both_pages_and_the_tests_hold_the_same_situations() -> None:
    assert list(EXPECTED) == list(SITUATIONS)
    assert page_rows("zh") == EXPECTED
    assert len(EXPECTED) > 40


@pytest.mark.parametrize("name", EXPECTED)
def test_a_filing_comes_to_the_state_that_the_page_says(name: str, few_rules: None) -> None:
    filing_id, named = SITUATIONS[name]()
    expected = EXPECTED[name]
    answered = expected.state != "received"
    assert (state_of(filing_id), told(filing_id) if answered else []) == (expected.state, sorted(expected.rules))
    assert (state_of(named) if named else "") == expected.named
    decided_once()


def decided_once() -> None:
    """One decision and one place in the log for each filing that has a verdict, and the rows that it says are kept."""
    final = {record.filing_id for record in registry.all_filings() if record.state in registry.FINAL}
    entries = registry.rows_of(registry_tables.log_entries)
    assert [entry["position"] for entry in entries] == list(range(len(final)))
    assert {entry["filing_id"] for entry in entries} == final
    decisions = {row["filing_id"]: row for row in registry.rows_of(registry_tables.decisions)}
    assert set(decisions) == final
    for zone, count in (("accepted", "rows_accepted"), ("held", "rows_held")):
        kept = {file.stem: pq.read_metadata(file).num_rows for file in (home().root / zone).rglob("*.parquet")}
        assert kept == {filing: row[count] for filing, row in decisions.items() if row[count]}


def while_judged(monkeypatch: pytest.MonkeyPatch, outer: str, inner: Callable[[], None]) -> list[str]:
    """Have `inner` happen after `outer` is judged and before its verdict is recorded; filings as they are judged."""
    judged: list[str] = []
    judge = check._judge_of_record

    def judge_and_be_interrupted(*arguments: Any) -> Any:
        outcome = judge(*arguments)
        record = arguments[-1]
        judged.append(record.filing_id)
        if record.filing_id == outer and judged.count(outer) == 1:
            inner()
        return outcome

    monkeypatch.setattr(check, "_judge_of_record", judge_and_be_interrupted)
    return judged


@pytest.mark.parametrize("faster", [0, 1])
def test_of_two_filings_of_one_sequence_judged_side_by_side_one_is_accepted(
    few_rules: None, monkeypatch: pytest.MonkeyPatch, faster: int
) -> None:
    both = [receive_now(), receive_now(rows=notices(2))]
    inner, outer = both[faster], both[1 - faster]
    judged = while_judged(monkeypatch, outer, lambda: accept.decide(inner) and None)
    assert accept.decide(outer) == "rejected"
    assert (state_of(inner), told(outer)) == ("accepted", ["NPL-FIL-010"])
    assert judged == [outer, inner, outer]
    decided_once()


@pytest.mark.parametrize("faster", [0, 1])
def test_of_two_corrections_judged_side_by_side_one_is_accepted(
    few_rules: None, monkeypatch: pytest.MonkeyPatch, faster: int
) -> None:
    original = file()
    both = [receive_now(sequence=number, replaces=original, notice={"remarks": f"更正 {number}"}) for number in (2, 3)]
    inner, outer = both[faster], both[1 - faster]
    while_judged(monkeypatch, outer, lambda: accept.decide(inner) and None)
    assert accept.decide(outer) == "rejected"
    assert [state_of(each) for each in (original, inner)] == ["superseded", "accepted"]
    decided_once()


def test_a_verdict_that_others_do_not_change_is_not_judged_a_second_time(
    few_rules: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    outer, inner = receive_now(), receive_now(sequence=2, rows=notices(2))
    judged = while_judged(monkeypatch, outer, lambda: accept.decide(inner) and None)
    assert (accept.decide(outer), state_of(inner)) == ("accepted", "accepted")
    assert judged == [outer, inner]
    decided_once()


def test_one_filing_in_two_hands_is_decided_once_by_whoever_is_first(
    few_rules: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    filing_id = receive_now()
    waiting = threading.Thread(target=accept.decide, args=[filing_id])
    judged = while_judged(monkeypatch, filing_id, waiting.start)
    assert accept.decide(filing_id) == "accepted"
    waiting.join()
    assert judged == [filing_id]
    decided_once()


def test_an_error_is_seen_with_its_cause_and_tried_again_by_every_run(
    few_rules: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(check, "_judge_of_record", broken_judge)
        filing_id = file()
        run()
    status = CliRunner()
    assert f"{filing_id}\t平台故障 error\t" in status.invoke(cli.app, ["status"]).stdout
    history = status.invoke(cli.app, ["status", filing_id]).stdout
    assert history.count("\terror\tfor the operator") == 2
    run()
    assert state_of(filing_id) == "accepted"
    assert told(filing_id) == []
    decided_once()
