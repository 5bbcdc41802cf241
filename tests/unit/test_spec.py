"""The loader: what it refuses and says, and what makes two standards two."""

import shutil
from pathlib import Path

import pytest
from judging import ORCHARD_DIR

from expectations.spec import StandardError, load_standard

RULE = "rules/ORC-TRE-001.yml"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A copy of the small standard, to be spoilt."""
    return Path(shutil.copytree(ORCHARD_DIR, tmp_path / "orchard"))


def rewrite(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {path.name}"
    path.write_text(text.replace(old, new), encoding="utf-8")


def refusal(directory: Path) -> str:
    with pytest.raises(StandardError) as refused:
        load_standard(directory)
    return str(refused.value)


SLIPS = {
    "unknown key of a rule": (RULE, "state: active", "state: active\nstaet: active", "staet"),
    "unknown key of a field": ("tables/tree.yml", "unit: cm", "unit: cm\n    units: cm", "units"),
    "unknown key of the head": (
        "standard.yml",
        "hold_ceiling: 0.25",
        "hold_ceiling: 0.25\nholdceiling: 1",
        "holdceiling",
    ),
    "key twice": (RULE, "state: active", "state: active\nstate: disabled", "key twice: state"),
    "unknown table of a rule": (RULE, "table: tree", "table: bush", "unknown table bush"),
    "unknown table of an example": (
        "rules/ORC-SCH-001.yml",
        "example_table: tree",
        "example_table: bush",
        "unknown table bush",
    ),
    "unknown field of a rule": (RULE, "fields: [height_cm]", "fields: [width_cm]", "unknown field width_cm"),
    "example of an unknown field": (
        RULE,
        'good: {height_cm: "500"}',
        'good: {width_cm: "500"}',
        "example of unknown field width_cm",
    ),
    "unknown key field of a table": ("tables/tree.yml", "key: [tree_id]", "key: [bush_id]", "unknown field bush_id"),
    "unknown version date": (
        "tables/tree.yml",
        "version_date: planted_date",
        "version_date: felled_date",
        "unknown field felled_date",
    ),
    "unknown principal field": (
        "tables/basket.yml",
        "principal_field: weight_kg",
        "principal_field: weight_lb",
        "unknown field weight_lb",
    ),
    "unknown type": ("tables/tree.yml", "type: decimal(9,0)", "type: float", "unknown type float"),
    "unknown code list": ("tables/tree.yml", "type: code(fruit)", "type: code(nut)", "unknown code list nut"),
    "unknown list of states": ("tables/tree.yml", "unit: cm", "states: nut", "unknown code list nut"),
    "unknown missing-data code": ("tables/tree.yml", "nd: [ND2]", "nd: [ND9]", "unknown missing-data code ND9"),
    "unknown version of a rule": (RULE, 'since: "2.0"', 'since: "3.0"', "unknown version 3.0"),
    "unknown version that hides a field": (
        "tables/tree.yml",
        'hidden_from: "2.0"',
        'hidden_from: "3.0"',
        "unknown version 3.0",
    ),
    "foreign key to an unknown table": (
        "tables/basket.yml",
        "    table: tree",
        "    table: bush",
        "unknown table bush",
    ),
    "foreign key to an unknown field": (
        "tables/basket.yml",
        "references: [tree_id]",
        "references: [bush_id]",
        "unknown field bush_id",
    ),
    "foreign key of unequal length": (
        "tables/basket.yml",
        "references: [tree_id]",
        "references: [tree_id, fruit]",
        "as many fields",
    ),
    "rule id that is not the file's name": (RULE, "id: ORC-TRE-001", "id: ORC-TRE-099", "not the file's name"),
    "table that is not the file's name": (
        "tables/tree.yml",
        "table: tree\ntitle",
        "table: bush\ntitle",
        "not the file's name",
    ),
    "spelling of a code twice": ("codes/fruit.csv", "PE,梨", "PE,苹果树", "spelled twice: 苹果树"),
    "field twice": ("tables/tree.yml", "name: orchard_id", "name: tree_id", "field twice: tree_id"),
    "header twice": ("tables/tree.yml", "labels: [种植日]", "labels: [树号]", "header twice: 树号"),
    "header twice but for case and width": (
        "tables/tree.yml",
        "labels: [种植日]",
        "labels: [ＴＲＥＥ_ID]",
        "header twice: tree_id",
    ),
    "good example missing": (RULE, 'good: {height_cm: "500"}', "", "good"),
    "bad example missing": (RULE, 'bad: {height_cm: "501"}', "", "bad"),
    "list of no examples": (RULE, 'bad: {height_cm: "501"}', "bad: []", "at least one good and one bad example"),
    "English message missing": (RULE, ', en: "Broken: {height_cm}"', "", "en"),
    "given for an unknown relation": (
        "rules/ORC-TRE-005.yml",
        "  known_tree:",
        "  known_bush:",
        "unknown relation known_bush",
    ),
    "both fields and for_each": (
        "rules/ORC-SCH-001.yml",
        "for_each: typed_fields",
        "for_each: typed_fields\nfields: [tree_id]",
        "either fields or for_each",
    ),
    "exception without a subject in the context": ("standard.yml", "  filing_subject: text\n", "", "exceptions need"),
    "severity that does not exist": (RULE, "severity: reject", "severity: fatal", "fatal"),
    "code without a source": ("codes/fruit.csv", "parent,source", "parent,sauce", "source"),
    "code row with a cell too many": ("codes/fruit.csv", ",stone,test", ",stone,test,more", "more cells than columns"),
    "no version": (
        "standard.yml",
        """versions:
  - version: "1.0"
    valid_from: 2021-01-01
    valid_to: 2025-10-26
    title: {zh: 第一版, en: First version}
  - version: "2.0"
    valid_from: 2025-10-27
    valid_to: null
    title: {zh: 第二版, en: Second version}
""",
        "versions: []\n",
        "no versions",
    ),
    "version twice": ("standard.yml", '  - version: "2.0"', '  - version: "1.0"', "version twice: 1.0"),
    "pattern of personal data without a group": (
        "standard.yml",
        "hold_ceiling: 0.25",
        "hold_ceiling: 0.25\npersonal_data:\n  - {id: tag, zh: 标, en: tag, pattern: 'T[0-9]+'}",
        "one group",
    ),
    "YAML that does not parse": (RULE, "fields: [height_cm]", "fields: [height_cm", "not YAML"),
}


def test_the_small_standard_is_loaded_as_it_stands(directory: Path) -> None:
    assert len(load_standard(directory).rules) == 10


@pytest.mark.parametrize("slip", SLIPS)
def test_the_loader_refuses_and_names_the_file(directory: Path, slip: str) -> None:
    file, old, new, said = SLIPS[slip]
    rewrite(directory / file, old, new)
    told = refusal(directory)
    assert said in told
    expected = RULE if slip.startswith("exception") else file
    assert str(directory / expected) in told


@pytest.mark.parametrize("file", [RULE, "tables/tree.yml", "standard.yml"])
@pytest.mark.parametrize("content", ["", "- a\n- list\n", "just words\n", "5\n"])
def test_yaml_that_is_no_mapping_is_refused_by_name(directory: Path, file: str, content: str) -> None:
    (directory / file).write_text(content, encoding="utf-8")
    assert str(directory / file) in refusal(directory)


@pytest.mark.parametrize("file", [RULE, "codes/fruit.csv"])
def test_a_file_that_is_not_utf_8_is_refused_by_name(directory: Path, file: str) -> None:
    (directory / file).write_bytes("编号".encode("gb18030"))
    assert str(directory / file) in refusal(directory)


def test_a_folder_without_a_standard_is_refused_by_name(tmp_path: Path) -> None:
    assert str(tmp_path) in refusal(tmp_path)


def test_the_digest_changes_with_any_byte_of_any_file(directory: Path) -> None:
    (directory / "macros.sql").write_text("create or replace macro twice(n) as n * 2;\n", encoding="utf-8")
    files = sorted(path for path in directory.rglob("*") if path.is_file())
    assert {path.suffix for path in files} == {".yml", ".csv", ".sql"}
    digests = {load_standard(directory).sha256}
    for number, path in enumerate(files):
        changed = Path(shutil.copytree(directory, directory.parent / f"changed_{number}"))
        copy = changed / path.relative_to(directory)
        copy.write_bytes(copy.read_bytes() + b"\n")  # the least that leaves every kind of file well formed
        digests.add(load_standard(changed).sha256)
    assert len(digests) == len(files) + 1


def test_the_digest_covers_the_names_of_the_files(directory: Path) -> None:
    digests = set()
    for name in ("nut.csv", "oak.csv"):
        copy = Path(shutil.copytree(directory, directory.parent / name))
        shutil.copy(copy / "codes" / "fruit.csv", copy / "codes" / name)
        digests.add(load_standard(copy).sha256)
    assert len(digests) == 2


def test_the_digest_does_not_depend_on_where_the_standard_lies(directory: Path) -> None:
    elsewhere = Path(shutil.copytree(directory, directory.parent / "elsewhere"))
    assert load_standard(elsewhere).sha256 == load_standard(directory).sha256


def test_two_standards_do_not_mix(directory: Path) -> None:
    rewrite(directory / RULE, 'good: {height_cm: "500"}', 'good: {height_cm: "499"}')
    ours, orchard, copy = load_standard(), load_standard(ORCHARD_DIR), load_standard(directory)
    assert not set(ours.rules) & set(orchard.rules)
    assert orchard.rules["ORC-TRE-001"].good != copy.rules["ORC-TRE-001"].good
    assert orchard is load_standard(ORCHARD_DIR)


def test_a_relative_path_means_the_standard_where_the_process_is(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = directory.parent / "other" / "orchard"
    shutil.copytree(directory, other)
    rewrite(other / "standard.yml", "name: orchard", "name: another")
    monkeypatch.chdir(directory.parent)
    first = load_standard(Path("orchard"))
    monkeypatch.chdir(other.parent)
    assert (first.head.name, load_standard(Path("orchard")).head.name) == ("orchard", "another")
