"""What two versions, or two directories, of a standard say otherwise, as `npl standard diff` tells it."""

import json
import shutil
from pathlib import Path

import pytest
from judging import ORCHARD_DIR, orchard

from expectations.lifecycle import Difference, Section, difference_of_standards, difference_of_versions
from expectations.spec import load_standard
from ingest import cli

TALL_RULE = "rules/ORC-TRE-001.yml"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(ORCHARD_DIR, tmp_path / "orchard"))


def change(directory: Path, file: str, old: str, new: str) -> None:
    path = directory / file
    content = path.read_text(encoding="utf-8")
    assert content.count(old) == 1, f"{file} no longer holds once: {old}"
    path.write_text(content.replace(old, new), encoding="utf-8")


def names(section: Section) -> dict[str, list[str]]:
    return {
        kind: [entry.name for entry in getattr(section, kind)]
        for kind in ("added", "changed", "withdrawn")
        if getattr(section, kind)
    }


def differing(difference: Difference) -> dict[str, dict[str, list[str]]]:
    """Names of what differs, sections without any left out."""
    return {name: names(section) for name, section in difference.sections.items() if names(section)}


def test_a_later_version_hides_fields_and_brings_and_ends_rules() -> None:
    found = differing(difference_of_versions(orchard(), "1.0", "2.0"))
    assert found["fields"] == {"changed": ["tree.grafted_by"]}
    assert found["rules"]["added"] == ["ORC-TRE-001"]
    assert found["rules"]["withdrawn"] == ["ORC-TRE-002"]


def test_read_backwards_the_same_fields_and_rules_come_back() -> None:
    there = difference_of_versions(orchard(), "1.0", "2.0")
    back = difference_of_versions(orchard(), "2.0", "1.0")
    assert names(there.sections["rules"])["added"] == names(back.sections["rules"])["withdrawn"]
    (hidden,) = there.sections["fields"].changed
    (shown,) = back.sections["fields"].changed
    assert [(each.before, each.after) for each in hidden.changes] == [(True, False)]
    assert [(each.before, each.after) for each in shown.changes] == [(False, True)]


def test_a_version_differs_from_itself_in_nothing() -> None:
    assert differing(difference_of_versions(orchard(), "2.0", "2.0")) == {}


def test_the_second_notice_template_hides_what_it_no_longer_prints() -> None:
    difference = difference_of_versions(load_standard(), "1.0", "2.0")
    hidden = {entry.name for entry in difference.sections["fields"].changed}
    assert hidden == {
        f"package_notice.{name}"
        for name in (
            "max_borrower_balance_cny",
            "avg_borrower_balance_cny",
            "weighted_credit_line_cny",
            "write_off_states",
            "start_price_cny",
            "bid_increment_cny",
        )
    }
    lessened = {entry.name: entry.changes for entry in difference.sections["rules"].changed}
    (required,) = lessened["NPL-SCH-003"]
    assert "package_notice.write_off_states" in required.before
    assert required.after == []
    # a rule that only looks at the type of each field judges the hidden ones as well
    assert "NPL-SCH-001" not in lessened


def test_a_standard_differs_from_its_copy_in_nothing(copy: Path) -> None:
    assert differing(difference_of_standards(orchard(), load_standard(copy))) == {}


@pytest.mark.parametrize(
    ("file", "old", "new", "section", "name", "keys"),
    [
        (TALL_RULE, "height_cm <= 500", "height_cm <= 400", "rules", "ORC-TRE-001", ["check"]),
        (TALL_RULE, "severity: reject", "severity: warn", "rules", "ORC-TRE-001", ["severity"]),
        (TALL_RULE, '"Broken: {height_cm}"', '"Too tall: {height_cm}"', "rules", "ORC-TRE-001", ["message.en"]),
        (TALL_RULE, "2026-06-30", "2026-12-31", "rules", "ORC-TRE-001", ["exceptions"]),
        ("tables/tree.yml", "nd: [ND2]", "nd: []", "fields", "tree.height_cm", ["nd"]),
        (
            "tables/tree.yml",
            "abbreviation: TRE\nkey: [tree_id]",
            "abbreviation: TRE\nkey: []",
            "tables",
            "tree",
            ["key"],
        ),
        ("codes/fruit.csv", ",pear,", ",a pear,", "codes", "fruit.PE", ["en"]),
        ("standard.yml", "hold_ceiling: 0.25", "hold_ceiling: 0.1", "head", "standard.yml", ["hold_ceiling"]),
    ],
)
def test_a_changed_key_is_told_where_it_stands_and_nowhere_else(
    copy: Path, file: str, old: str, new: str, section: str, name: str, keys: list[str]
) -> None:
    change(copy, file, old, new)
    difference = difference_of_standards(orchard(), load_standard(copy))
    assert differing(difference) == {section: {"changed": [name]}}
    (entry,) = difference.sections[section].changed
    assert [each.key for each in entry.changes] == keys


def test_a_rule_that_is_withdrawn_or_gone_is_withdrawn_and_its_return_is_added(copy: Path) -> None:
    change(copy, TALL_RULE, "state: active", "state: withdrawn")
    (copy / "rules" / "ORC-TRE-002.yml").unlink()
    ours, theirs = orchard(), load_standard(copy)
    both = ["ORC-TRE-001", "ORC-TRE-002"]
    assert differing(difference_of_standards(ours, theirs)) == {"rules": {"withdrawn": both}}
    assert differing(difference_of_standards(theirs, ours)) == {"rules": {"added": both}}


def test_a_new_field_and_a_new_code_are_added(copy: Path) -> None:
    change(copy, "tables/tree.yml", "fields:\n  - {name: tree_id", "fields:\n  - {name: tag, zh: 牌, en: Tag, type: text}\n  - {name: tree_id")  # fmt: skip # noqa: E501
    with (copy / "codes" / "fruit.csv").open("a", encoding="utf-8") as handle:
        header = (copy / "codes" / "fruit.csv").read_text(encoding="utf-8").splitlines()[0].split(",")
        row = {"code": "PL", "zh": "李", "en": "Plum", "source": "test"}
        handle.write(",".join(row.get(column, "") for column in header) + "\n")
    assert differing(difference_of_standards(orchard(), load_standard(copy))) == {
        "fields": {"added": ["tree.tag"]},
        "codes": {"added": ["fruit.PL"]},
    }


def test_a_changed_macro_is_told_by_its_name(tmp_path: Path) -> None:
    ours = load_standard()
    copy = Path(shutil.copytree(ours.directory, tmp_path / "standard"))
    change(copy, "macros.sql", "parent_asset_type(asset_type) = 'batch_personal', false)", "true, false)")
    difference = difference_of_standards(ours, load_standard(copy))
    assert differing(difference) == {"head": {"changed": ["macros.sql"]}}
    assert [each.key for each in difference.sections["head"].changed[0].changes] == ["is_personal"]


def npl(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    monkeypatch.setattr("sys.argv", ["npl", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    captured = capsys.readouterr()
    return int(ended.value.code or 0), captured.out, captured.err


def test_the_command_tells_versions_as_text_and_as_json(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, _ = npl(monkeypatch, capsys, "standard", "diff", "1.0", "2.0", "--format", "json")
    told = json.loads(out)
    assert (code, told["from"], told["to"]) == (0, "1.0", "2.0")
    start = next(each for each in told["fields"]["changed"] if each["name"] == "package_notice.start_price_cny")
    assert start["changes"] == [{"key": "disclosed", "from": True, "to": False}]
    code, out, _ = npl(monkeypatch, capsys, "standard", "diff", "1.0", "2.0")
    assert code == 0
    assert "~ package_notice.start_price_cny\n" in out
    assert "变更 changed 6" in out


def test_the_command_compares_two_directories(
    copy: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    change(copy, TALL_RULE, "height_cm <= 500", "height_cm <= 400")
    code, out, _ = npl(monkeypatch, capsys, "standard", "diff", str(ORCHARD_DIR), str(copy))
    assert code == 0
    assert "  ~ ORC-TRE-001\n" in out
    assert "check: height_cm <= 500 -> height_cm <= 400" in out


def test_a_version_beside_a_directory_is_a_usage_error(
    copy: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = npl(monkeypatch, capsys, "standard", "diff", "1.0", str(copy))
    assert (code, out) == (cli.EXIT_UNREADABLE, "")
    assert "two versions" in err
