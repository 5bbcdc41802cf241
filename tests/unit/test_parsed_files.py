"""What the standard's YAML holds is kept under the digest of its bytes, and never outlives a change of them."""

import shutil
from pathlib import Path

import pytest

from expectations import spec
from expectations.parsed_files import FILE_NAME, keep, recall
from expectations.spec import Standard, StandardError

RULE = "rules/NPL-PKG-040.yml"


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the platform's standard that counts as the platform's own, nothing kept beside it yet."""
    copy = tmp_path / "standard"
    shutil.copytree(spec.STANDARD_DIR, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(spec, "STANDARD_DIR", copy)
    return copy


def load(directory: Path) -> Standard:
    """As another process would: not out of this one's memory."""
    return spec._load.__wrapped__(directory.resolve())


def refuse_to_parse(path: Path) -> None:
    if path.name != "standard.yml":
        raise AssertionError(f"{path.name} is parsed again")


def test_a_standard_that_was_loaded_before_is_the_same_without_its_yaml_being_parsed(directory, monkeypatch):
    first = load(directory)
    parse = spec._load_yaml
    monkeypatch.setattr(spec, "_load_yaml", lambda path: refuse_to_parse(path) or parse(path))
    second = load(directory)
    assert len(second.rules) > 100
    assert (second.rules, second.all_tables, second.sha256) == (first.rules, first.all_tables, first.sha256)


def test_a_changed_rule_is_read_anew(directory):
    before = load(directory)
    path = directory / RULE
    path.write_text(path.read_text(encoding="utf-8").replace("severity: ", "severity: info # was "), encoding="utf-8")
    after = load(directory)
    assert before.rules["NPL-PKG-040"].severity != "info"
    assert after.rules["NPL-PKG-040"].severity == "info"


def test_a_rule_that_was_removed_is_gone(directory):
    load(directory)
    (directory / RULE).unlink()
    assert "NPL-PKG-040" not in load(directory).rules


def test_a_broken_rule_is_refused_as_often_as_it_is_loaded(directory):
    load(directory)
    path = directory / RULE
    path.write_text(path.read_text(encoding="utf-8") + "unheard_of: 1\n", encoding="utf-8")
    for _ in range(2):
        with pytest.raises(StandardError, match="unheard_of"):
            load(directory)


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b'{"digest": "d"}', b'{"digest": "d", "files": 7}', b"\xff"])
def test_what_is_damaged_counts_as_not_kept(tmp_path, content):
    keep(tmp_path, "d", {"a.yml": {"b": 1}})
    assert recall(tmp_path, "d") == {"a.yml": {"b": 1}}
    (tmp_path / "__pycache__" / FILE_NAME).write_bytes(content)
    assert recall(tmp_path, "d") is None


def test_another_digest_finds_nothing(tmp_path):
    keep(tmp_path, "d", {"a.yml": {}})
    assert recall(tmp_path, "e") is None


def test_where_nothing_can_be_kept_the_standard_loads_all_the_same(directory):
    (directory / "__pycache__").write_text("no folder", encoding="utf-8")
    assert load(directory).rules == load(directory).rules


def test_nothing_is_written_into_the_folder_of_somebody_elses_standard(directory, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(directory, other)
    load(other)
    assert not (other / "__pycache__").exists()
