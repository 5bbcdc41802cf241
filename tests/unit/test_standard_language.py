"""`docs/standard-language.md`: its example runs, it names every word there is, and the loader keeps to it."""

import re
import shutil
from pathlib import Path
from typing import get_args

import pytest
from judging import ORCHARD_DIR

from expectations import compile as compiler
from expectations import model
from expectations.examples import example_problems
from expectations.spec import StandardError, load_standard
from ingest.check import check_path
from ingest.paths import Home
from ingest.report import text

PAGE = (Path(__file__).parents[2] / "docs" / "standard-language.md").read_text(encoding="utf-8")
CITY_DIR = ORCHARD_DIR.parent / "city_trees"
MODELS = (
    model.StandardFile, model.Version, model.Parameter, model.PersonalPattern, model.ExampleSurroundings,
    model.TableSpec, model.ForeignKey, model.FieldSpec, model.Code, model.Rule, model.RuleException,
)  # fmt: skip


@pytest.fixture
def example(tmp_path: Path) -> Path:
    """The folder that the page's example describes, taken from the page."""
    files = dict(re.findall(r"^```\w+ file=(\S+)\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL))
    assert len(files) == 8
    for name, content in files.items():
        path = tmp_path / "example" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    return tmp_path / "example"


def test_the_example_is_a_standard_whose_rules_bear_out_their_examples(example: Path) -> None:
    standard = load_standard(example)
    assert len(standard.rules) == 3
    assert example_problems(standard) == []


def test_the_example_filing_is_judged_as_the_page_says(example: Path, npl_home: Home) -> None:
    standard = load_standard(example)
    report = check_path(example / "filing", standard)
    (said,) = re.findall(r"^```text output\n(.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL)
    assert report.verdict == "rejected"
    assert said in text.render(report, standard)
    assert report.findings_total == 1


@pytest.mark.parametrize("described", MODELS, ids=lambda described: described.__name__)
def test_every_key_is_described(described: type[model.Bilingual]) -> None:
    names = [name for name in described.model_fields if name not in ("zh", "en")]
    assert names or described is model.Bilingual
    assert [name for name in names if f"`{name}`" not in PAGE and f"{name}:" not in PAGE] == []


@pytest.mark.parametrize(
    "words", [model.Severity, model.Category, model.Scope, model.State, model.ForEach, model.FieldSpec], ids=str
)
def test_every_word_of_a_closed_list_is_described(words: object) -> None:
    listed = get_args(words) or get_args(model.FieldSpec.model_fields["sensitivity"].annotation)
    assert len(listed) >= 3
    assert [word for word in listed if f"`{word}`" not in PAGE] == []


def test_every_token_missing_data_code_and_column_of_the_filing_is_described() -> None:
    tokens = set(re.findall(r'"(\{\w+\})"', Path(compiler.__file__).read_text(encoding="utf-8")))
    columns = load_standard().all_tables[model.FILING_TABLE].by_name
    contexts = load_standard().head.context
    assert len(tokens) >= 10
    wanted = [*tokens, *model.MISSING_CODES, *columns, *contexts]
    assert [word for word in wanted if f"`{word}`" not in PAGE] == []


def test_every_link_within_the_page_leads_somewhere() -> None:
    headings = {
        re.sub(r"[^\w\- ]", "", line.lstrip("# ").lower()).replace(" ", "-")
        for line in PAGE.splitlines()
        if line.startswith("#")
    }
    links = re.findall(r"\]\(#([^)]+)\)", PAGE)
    assert len(links) > 14
    assert [link for link in links if link not in headings] == []


SLIPS = {
    "parameter that is not of its type": ("standard.yml", "value: 100", "value: old", "parameter aged_years"),
    "parameter of a type that is none": ("standard.yml", "type: date\n    value", "type: day\n    value", "type"),
    "parameter without a value": ("standard.yml", "    value: 100\n", "", "value"),
    "missing-data code that the engine does not know": ("standard.yml", "  ND5:", "  NA:", "missing-data code NA"),
    "separator on a text": ("tables/tree.yml", "type: code(defect)", "type: text", "separator is for a type of code()"),
    "separator within a code": ("codes/defect.csv", "ROOT,根系受损", "ROOT,根系;受损", "separator stands in code"),
    "separator that is empty": ("tables/tree.yml", 'separator: ";"', 'separator: ""', "separator"),
    "register that is no reference": ("standard.yml", "  licensed_firms:", "  licensed:", "not among the references"),
    "register with other columns": ("registers/licensed_firms.csv", "firm_code,", "firm,", "firm_code, valid_from"),
    "register with a cell too many": ("registers/licensed_firms.csv", "2025-12-31", "2025-12-31,x", "columns must be"),
    "field with a name that is taken": ("tables/tree.yml", "name: crown_cm", "name: row_number", "name is taken"),
    "field called like the context": ("tables/tree.yml", "name: crown_cm", "name: filing_subject", "name is taken"),
    "system table of another name": (
        "tables/tree.yml",
        "abbreviation:",
        "system: true\nabbreviation:",
        "called filing",
    ),
    "filing that is not a system table": ("tables/filing.yml", "system: true\n", "", "called filing"),
}


@pytest.mark.parametrize("slip", SLIPS)
def test_the_loader_refuses_and_names_the_file(tmp_path: Path, slip: str) -> None:
    file, old, new, said = SLIPS[slip]
    directory = Path(shutil.copytree(CITY_DIR, tmp_path / "city"))
    path = directory / file
    content = path.read_text(encoding="utf-8")
    assert content.count(old) == 1
    path.write_text(content.replace(old, new), encoding="utf-8")
    with pytest.raises(StandardError) as refused:
        load_standard(directory)
    assert said in str(refused.value)
    named = {"separator within": "tables/tree.yml", "register that": "registers/licensed_firms.csv"}
    expected = next((home for start, home in named.items() if slip.startswith(start)), file)
    assert str(directory / expected) in str(refused.value)


def test_an_empty_code_list_is_refused(tmp_path: Path) -> None:
    directory = Path(shutil.copytree(CITY_DIR, tmp_path / "city"))
    (directory / "codes" / "district.csv").write_text("code,zh,en,source\n", encoding="utf-8")
    with pytest.raises(StandardError, match="no codes"):
        load_standard(directory)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("check: crown_cm <= 3 * height_cm", "check: crown_cm <= no_such_field", "no_such_field"),
        ('bad: {height_cm: "8"', 'bad: {height_cm: "800"', "bad example"),
        ('crown_cm: "900"}', 'crown_cm: "900", tree_id: T-1}', "UTR-TRE-001"),
    ],
)
def test_a_rule_that_its_examples_do_not_bear_out_is_named(tmp_path: Path, old: str, new: str, said: str) -> None:
    directory = Path(shutil.copytree(CITY_DIR, tmp_path / "city"))
    path = directory / "rules" / "UTR-TRE-017.yml"
    content = path.read_text(encoding="utf-8")
    assert content.count(old) == 1
    path.write_text(content.replace(old, new), encoding="utf-8")
    standard = load_standard(directory)
    ((rule_id, problem),) = example_problems(standard.with_rules([*standard.rules.values()][-20:]))
    assert rule_id == "UTR-TRE-017"
    assert said in problem
