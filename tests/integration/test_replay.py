"""History under the rules of today: told without a trace, planned, and decided anew once it is approved, just once."""

import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from exactly_once import BASKETS, FILER, LINES, PERIOD, TREES, put, rows_of_zones
from filings import decide_one, judge_by, sale_notice, small_standard
from filings import put as put_notice
from judging import orchard
from typer.testing import CliRunner

from expectations.spec import Standard
from ingest import accept, check, receive, redecisions, registry, registry_tables, workbench
from ingest.cli import app
from ingest.config import settings
from ingest.errors import UsageError
from ingest.landing import content_digest, landed_entry
from ingest.lanes import decide_lane, lanes
from ingest.paths import Home, home
from ingest.receipts.audit import log_problems
from ingest.receipts.keys import published_keys
from ingest.receive import receive_waiting
from ingest.registry import AS_FILED
from ingest.replay import apply, audit, execution, outcomes, plan, planning, plans
from ingest.warehouse import filing_facts

JUDGING: tuple[ModuleType, ...] = (accept, receive, workbench, outcomes, execution, planning)
STRICTER = ("ORC-TRE-001", "ORC-BAS-001")
HEAVY, HEAVY_LINES = "2 heavy", [f"H-{number},90" for number in range(4)]
APPROVER = "duty desk"


def yesterday() -> Standard:
    """The small standard of tests before it got two of its rules."""
    today = orchard()
    rules = {rule_id: rule for rule_id, rule in today.rules.items() if rule_id not in STRICTER}
    return Standard(
        today.head, today.all_tables, today.codes, rules, today.macros, "0" * 64, today.directory, today.registers
    )


def judge_with(patch: pytest.MonkeyPatch, standard: Standard) -> None:
    for module in JUDGING:
        patch.setattr(module, "load_standard", lambda: standard)


def run() -> dict[str, str]:
    return {name: state for lane in lanes(receive_waiting(), 1) for name, state in decide_lane(lane).items()}


@pytest.fixture
def history(npl_home: Home, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    """Four filings in force by yesterday's rules: one that today's reject, one of which they hold a row, a correction
    that they let stand, and one of another month that they reject. The figures of a plan are left out."""
    monkeypatch.setattr(
        check, "_judge_of_record", lambda work, standard, content, *_: check._direct(work, standard, content)
    )
    monkeypatch.setattr(
        planning, "rehearsed", lambda period: ([each.to_dict() for each in outcomes.outcomes(period)], [])
    )
    judge_with(monkeypatch, yesterday())
    put("1 tall", TREES, "T-1,501", sequence=1)
    put(HEAVY, BASKETS, *HEAVY_LINES, "H-4,100", sequence=2)
    put("3 light", BASKETS, *LINES, "B-4,90", sequence=3)
    light = f"{FILER}-{PERIOD}-0003-{content_digest(home().inbox / FILER / '3 light')[:8]}"
    put("4 lighter", BASKETS, *LINES, "B-4,80", sequence=4, kind="correction", replaces=light)
    put("5 next month", TREES, "T-2,502", sequence=1, period="2026-04")
    assert set(run().values()) == {"accepted"}
    judge_with(monkeypatch, orchard())
    yield npl_home
    settings.cache_clear()


def content_of(zones: Home) -> dict[str, bytes]:
    """Every file of the home but the registry's own and the replays, and every row of the registry."""
    files = {
        str(path.relative_to(zones.root)): path.read_bytes()
        for path in zones.root.rglob("*")
        if path.is_file()
        and not path.is_relative_to(zones.replays)
        and not path.name.startswith("registry.")
        and not path.is_relative_to(zones.work)
    }
    rows = {table.name: str(registry.rows_of(table)).encode() for table in registry_tables.metadata.sorted_tables}
    return files | rows


def planned(period: str | None = None) -> dict[str, Any]:
    told = plan(period)
    assert told is not None
    return told


def named(sequence: int, period: str = PERIOD) -> registry.FilingRecord:
    """The filing of this number, as filed."""
    (record,) = (
        each
        for each in registry.all_filings()
        if (each.period, each.sequence, each.replay_id) == (period, sequence, AS_FILED)
    )
    return record


def test_a_report_tells_what_would_change_and_changes_nothing(history: Home) -> None:
    before = content_of(history)
    assert len(before) > 20
    told = audit(PERIOD)
    assert (told["judged"], told["changed"]) == (3, 2), "the filing that was corrected is not in force"
    assert audit() | {"page": ""} == {"judged": 4, "changed": 3, "page": ""}
    assert f"{named(1).filing_id}\taccepted → rejected" in Path(told["page"]).read_text(encoding="utf-8")
    planned()
    assert content_of(history) == before


def test_the_same_plan_made_twice_is_one_to_the_byte(history: Home) -> None:
    first = planned()
    folder = history.replay(first["replay"])
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert planned() == first
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert sorted(before) == ["plan.json", "plan.md"]
    page = before["plan.md"].decode()
    assert "将重新裁定 3 份报送，1 份不变" in page
    assert f"| {named(2).filing_id} | accepted → accepted_with_holds | 5 → 4 | 0 → 1 | 460.00 → 360.00 |" in page


@pytest.mark.parametrize(("period", "count"), [(PERIOD, 2), ("2026-04", 1), ("2026Q1", 0), ("2026-05", 0)])
def test_a_plan_can_be_of_one_period(history: Home, period: str, count: int) -> None:
    told = plan(period)
    assert len(told["filings"] if told else []) == count


def test_carried_out_the_new_decision_comes_into_force_when_the_old_one_ends(history: Home) -> None:
    told = planned(PERIOD)
    kept = rows_of_zones()
    leaves = registry.rows_of(registry_tables.log_entries)
    done = apply(told["replay"], APPROVER, "rule 1")
    tall, heavy = named(1), named(2)
    assert done.to_dict() == {
        "replay": told["replay"],
        "applied": [tall.filing_id, heavy.filing_id],
        "overtaken": [],
        "otherwise": [],
    }
    facts = {row["filing_id"]: row for row in filing_facts(set())}
    for old, verdict in ((tall, "rejected"), (heavy, "accepted_with_holds")):
        new = facts[f"{old.filing_id}-r1"]
        was = facts[old.filing_id]
        assert (was["state"], was["verdict"]) == ("superseded", "accepted")
        assert (new["verdict"], new["decided_at"]) == (verdict, was["known_to"])
        assert (new["sha256"], new["received_at"]) == (was["sha256"], was["received_at"])
        assert new["kind"] == redecisions.KIND
    assert facts[f"{tall.filing_id}-r1"]["known_from"] is None
    assert facts[f"{heavy.filing_id}-r1"]["known_from"] == facts[heavy.filing_id]["known_to"]
    assert named(4).state == "accepted", "what would be decided the same stands"
    now = rows_of_zones()
    assert all(row in now["accepted"] for row in kept["accepted"]), "rows that were accepted stay for earlier moments"
    assert len(now["accepted"]) == len(kept["accepted"]) + 4
    assert [row["basket_id"] for row in now["held"]] == ["H-4"]
    assert registry.rows_of(registry_tables.log_entries)[: len(leaves)] == leaves
    assert list(log_problems({}, published_keys().keys)) == [], "each decision has its place in the log and its receipt"
    (approval,) = registry.rows_of(registry_tables.replays)
    assert (approval["approved_by"], approval["reason"]) == (APPROVER, "rule 1")
    assert [(each["replay"], each["filings"], each["done"]) for each in plans()] == [(told["replay"], 2, 2)]


def test_carried_out_twice_is_once(history: Home) -> None:
    told = planned()
    done = apply(told["replay"], APPROVER, "")
    before = content_of(history)
    assert apply(told["replay"], "another desk", "again") == done
    assert content_of(history) == before
    assert plan() is None, "nothing is left to decide anew"


@pytest.mark.parametrize("step", ["keep_rows", "give_answer", "decision_of", "redecide", "write_receipt"])
def test_killed_between_any_two_steps_it_goes_on_where_it_stopped(
    history: Home, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    told = planned()
    calls = []

    def killed(real: Callable[..., Any]) -> Callable[..., Any]:
        def at_the_second(*args: Any, **more: Any) -> Any:
            calls.append(step)
            if len(calls) == 2:
                raise KeyboardInterrupt
            return real(*args, **more)

        return at_the_second

    with monkeypatch.context() as patch:
        patch.setattr(execution, step, killed(getattr(execution, step)))
        with pytest.raises(KeyboardInterrupt):
            apply(told["replay"], APPROVER, "")
    half = len(registry.rows_of(registry_tables.decisions))
    assert half in (6, 7), "one was done, or two without the second's receipt"
    done = apply(told["replay"], APPROVER, "")
    assert len(done.applied) == 3
    assert len(registry.rows_of(registry_tables.decisions)) == 5 + 3
    assert list(log_problems({}, published_keys().keys)) == []
    in_force = {record.filing_id for record in registry.in_force()}
    assert in_force == {f"{named(2).filing_id}-r1", named(4).filing_id}


def test_without_approval_or_under_yet_another_standard_nothing_is_done(
    history: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = planned()
    before = content_of(history)
    with pytest.raises(UsageError, match="approved"):
        apply(told["replay"], " ", "")
    with pytest.raises(UsageError, match="no plan"):
        apply("replay-0", APPROVER, "")
    judge_with(monkeypatch, yesterday())
    with pytest.raises(UsageError, match="another standard"):
        apply(told["replay"], APPROVER, "")
    assert content_of(history) == before


def test_what_a_correction_has_overtaken_since_is_left_alone(history: Home) -> None:
    told = planned(PERIOD)
    put("6 short", TREES, "T-1,499", sequence=6, kind="correction", replaces=named(1).filing_id)
    assert list(run().values()) == ["accepted"]
    done = apply(told["replay"], APPROVER, "")
    assert (done.overtaken, done.applied) == ([named(1).filing_id], [named(2).filing_id])
    assert redecisions.decisions_on(FILER, named(1).sha256) == [named(1)]


def test_what_would_come_out_otherwise_than_approved_is_left_alone(
    history: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = planned(PERIOD)
    sides = iter([outcomes.Side("rejected", 0, 1, Decimal(0))])
    monkeypatch.setattr(execution, "side_of", lambda case: next(sides, None) or outcomes.side_of(case))
    leftover = history.answer(FILER, f"{named(1).filing_id}-r1")
    leftover.mkdir()
    done = apply(told["replay"], APPROVER, "")
    assert (done.otherwise, done.applied) == ([named(1).filing_id], [named(2).filing_id])
    assert named(1).state == "accepted"
    assert not leftover.exists(), "nobody reads the answer of a decision that was not taken"


def test_a_plan_that_was_altered_is_not_carried_out(history: Home) -> None:
    told = planned(PERIOD)
    file = history.replay(told["replay"]) / "plan.json"
    file.write_text(file.read_text(encoding="utf-8").replace('"rejected"', '"accepted"'), encoding="utf-8")
    with pytest.raises(UsageError, match="altered"):
        apply(told["replay"], APPROVER, "")
    assert registry.rows_of(registry_tables.replays) == []


def test_a_filer_corrects_by_the_id_that_it_knows_what_was_decided_anew(history: Home) -> None:
    apply(planned(PERIOD)["replay"], APPROVER, "")
    heavy = named(2)
    again = landed_entry(heavy.sha256)
    assert receive.receive(again, FILER) == heavy.filing_id, "the same bytes keep the id that they got when filed"
    put("6 less", BASKETS, *HEAVY_LINES, "H-4,70", sequence=6, kind="correction", replaces=heavy.filing_id)
    ((correction, state),) = run().items()
    assert state == "accepted"
    found = registry.find(f"{heavy.filing_id}-r1")
    assert found is not None
    assert found.state == "superseded"
    ended = [row["detail"] for row in registry.rows_of(registry_tables.states) if row["filing_id"] == found.filing_id]
    assert ended[-1] == correction


def test_a_correction_is_judged_again_as_if_it_had_not_ended_what_it_corrects(
    npl_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    standard = small_standard(["package_notice"])
    judge_by(monkeypatch, standard)
    put_notice("first", [sale_notice()])
    first, _ = decide_one()
    put_notice("second", [sale_notice(remarks="更正")], sequence=2, kind="correction", replaces=first)
    second, state = decide_one()
    assert state == "accepted"
    (record,) = (each for each in registry.all_filings() if each.filing_id == second)
    report = check.check_path(landed_entry(record.sha256), standard)
    assert report.verdict == "accepted"
    assert "NPL-FIL-020" not in {rule.rule_id for rule in report.rules}
    # anybody else's correction of it still finds it out of force
    put_notice("third", [sale_notice(remarks="再更正")], sequence=3, kind="correction", replaces=first)
    assert decide_one()[1] == "rejected"


def test_the_commands_tell_plan_and_carry_out(history: Home) -> None:
    runner = CliRunner()
    dry = runner.invoke(app, ["replay", "dry", "--period", PERIOD])
    assert (dry.exit_code, "会变 would change 2" in dry.stdout) == (1, True), dry.output
    made = runner.invoke(app, ["replay", "plan", "--period", PERIOD])
    assert made.exit_code == 1, made.output
    (listed,) = json.loads(runner.invoke(app, ["replay", "list", "--format", "json"]).stdout)
    assert (listed["approved_by"], listed["done"]) == (None, 0)
    assert runner.invoke(app, ["replay", "show", listed["replay"]]).stdout in made.stdout
    done = runner.invoke(app, ["replay", "apply", listed["replay"], "--approved-by", APPROVER])
    assert done.exit_code == 0, done.output
    assert f"2/2\t{APPROVER}" in runner.invoke(app, ["replay", "list"]).stdout
    assert "No decision would change" in runner.invoke(app, ["replay", "plan", "--period", PERIOD]).stdout
