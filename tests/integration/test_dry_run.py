"""A proposal run over all stored filings: what would newly fail or pass, told by institution, and nothing changed."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from filings import FILER, decide_all, put, sale_notice

from expectations.spec import Row, StandardError, load_standard
from ingest import cli, registry, registry_tables
from ingest.config import settings
from ingest.dry_run import dry_run
from ingest.errors import UsageError
from ingest.paths import Home

OTHER = "SLYH01"
NEW_RULE = "NPL-PKG-999"
TIE_RULE = "NPL-PKG-040"
BROKEN_TIE = {"principal_interest_cny": "77375977.30", "claim_total_cny": ""}
UNWANTED = "不受欢迎的备注"


def rule_text(**changes: str) -> str:
    """A rule that dislikes one remark, as YAML."""
    keys = {
        "id": NEW_RULE,
        "table": "package_notice",
        "severity": "reject",
        "category": "business",
        "since": '"1.0"',
        "state": "proposed",
        "scope": "row",
        "fields": "[remarks]",
        "check": f"remarks <> '{UNWANTED}'",
        "message": "{zh: 备注有误。, en: A wrong remark.}",
        "remedy": "{zh: 请核对。, en: Check it.}",
        "source": "test rule",
        "good": "{remarks: 无}",
        "bad": f"{{remarks: {UNWANTED}}}",
    } | changes
    return "".join(f"{key}: {value}\n" for key, value in keys.items())


def proposal(folder: Path, **changes: str) -> str:
    path = folder / f"{NEW_RULE}.yml"
    path.write_text(rule_text(**changes), encoding="utf-8")
    return str(path)


def other_notice(number: int, remark: str | None = None) -> Row:
    return sale_notice(notice_id=f"GG-{number}", project_code=f"SLXJ01-2026-{number}", remarks=remark)


def bytes_of(home: Home) -> dict[str, bytes]:
    """Every file of the home with its content, but for locks of whoever works there."""
    return {
        path.relative_to(home.root).as_posix(): path.read_bytes()
        for path in home.root.rglob("*")
        if path.is_file() and path.parent != home.work / "scratch"
    }


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """A home with an accepted filing, one with two unwanted remarks, one with a broken tie, and an unreadable one.

    One for all tests: that a dry run leaves it as it was is what they show.
    """
    root = tmp_path_factory.mktemp("stored") / "home"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NPL_HOME", str(root))
        patch.setenv("NPL_SETTLE_SECONDS", "0")  # what shows no end is taken at once
        settings.cache_clear()
        put("march", [sale_notice()])
        put("remarks", [other_notice(11, UNWANTED), other_notice(12, UNWANTED), other_notice(13)], sequence=2)
        put("tie", [sale_notice(**BROKEN_TIE)], sequence=3)
        broken = put("broken", [sale_notice()], institution=OTHER)
        (broken / "filing.json").write_text("{", encoding="utf-8")
        assert sorted(decide_all().values()) == ["accepted", "accepted", "rejected", "rejected"]
        yield Home(root)
    settings.cache_clear()


def test_a_proposed_rule_tells_filings_and_rows_that_would_newly_fail(stored, tmp_path):
    before, states = bytes_of(stored), registry.rows_of(registry_tables.states)
    assert len(before) > 5
    result = dry_run(proposal(tmp_path)).to_dict()
    assert (result["filings"], result["judged"], result["unreadable"], result["not_judged"]) == (4, 3, 1, 0)
    assert result["totals"] == {"newly_failing": {"filings": 1, "rows": 2}, "newly_passing": {"filings": 0, "rows": 0}}
    (institution,) = result["institutions"]
    assert (institution["institution"], institution["judged"]) == (FILER, 3)
    failing = institution["newly_failing"]
    assert failing["rules"] == {NEW_RULE: 2}
    (filing,) = failing["filings"]
    assert filing["filing_id"].startswith(f"{FILER}-2026-03-0002-")
    assert (filing["from"], filing["to"]) == ("accepted", "rejected")
    assert bytes_of(stored) == before, "nothing in home or registry is changed by it"
    assert registry.rows_of(registry_tables.states) == states


def test_a_warning_flags_rows_and_changes_no_verdict(stored, tmp_path):
    assert dry_run(proposal(tmp_path, severity="warn")).total("newly_failing") == (0, 2)


def test_a_withdrawn_rule_lets_pass_what_it_rejected(stored, tmp_path):
    text = (load_standard().directory / "rules" / f"{TIE_RULE}.yml").read_text(encoding="utf-8")
    assert "state: active" in text
    path = tmp_path / f"{TIE_RULE}.yml"
    path.write_text(text.replace("state: active", "state: withdrawn"), encoding="utf-8")
    result = dry_run(str(path))
    passing = result.institutions[FILER].effects["newly_passing"]
    assert passing.rules == {TIE_RULE: 1}
    assert [(each.before, each.after) for each in passing.filings] == [("rejected", "accepted")]
    assert (result.total("newly_passing"), result.total("newly_failing")) == ((1, 1), (0, 0))


def test_a_whole_changed_standard_can_be_tried_and_the_same_one_changes_nothing(stored, tmp_path):
    same = dry_run(str(load_standard().directory))
    assert (same.judged, same.total("newly_failing"), same.total("newly_passing")) == (3, (0, 0), (0, 0))
    directory = Path(shutil.copytree(load_standard().directory, tmp_path / "standard"))
    proposal(directory / "rules", state="active")
    assert dry_run(str(directory)).total("newly_failing") == (1, 2)


def test_a_home_that_is_not_there_is_not_made(npl_home, tmp_path):
    assert dry_run(proposal(tmp_path)).to_dict()["filings"] == 0
    assert not npl_home.root.exists()


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"check": "remarks is null"}, "fails its own examples"),
        ({"check": "remarks is not null"}, "fails its own examples"),
        ({"check": "no_such_column >= 1"}, "no_such_column"),
        ({"fields": "[no_such_field]"}, "unknown field"),
    ],
)
def test_a_rule_that_cannot_judge_its_own_examples_is_refused_before_any_filing(npl_home, tmp_path, changes, told):
    with pytest.raises(StandardError, match=told):
        dry_run(proposal(tmp_path, **changes))


def test_what_would_change_nothing_or_is_no_proposal_is_a_usage_error(npl_home):
    for wrong in (TIE_RULE, "NPL-XXX-000", "no/such/place"):
        with pytest.raises(UsageError):
            dry_run(wrong)


def test_the_command_tells_it_in_two_languages_and_as_json(stored, tmp_path, monkeypatch, capsys):
    path = proposal(tmp_path)
    told = {}
    for kind in ("json", "text"):
        monkeypatch.setattr("sys.argv", ["npl", "standard", "dry-run", path, "--format", kind])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        assert not ended.value.code
        told[kind] = capsys.readouterr().out
    assert json.loads(told["json"])["totals"]["newly_failing"] == {"filings": 1, "rows": 2}
    assert "存档报送 4 份：已判 3，无法读取 1" in told["text"]
    assert "新增不通过 newly failing：1 份 2 行" in told["text"]
    assert f"    {NEW_RULE}  2 行 rows" in told["text"]
