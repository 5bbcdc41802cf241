"""The handbook: a page for everything, in both languages, no link that leads nowhere, and reports that link to it."""

import json
import posixpath
import re
from collections import defaultdict
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest
from pydantic import ValidationError

from expectations.findings import mask
from expectations.spec import Rule, load_standard
from ingest import config
from ingest.build import build
from ingest.check import check_path
from ingest.config import PROJECT_DIR, Settings
from ingest.handbook.examples import example_lines
from ingest.handbook.pages import HANDBOOK_FOLDER, codes_page, handbook_files, rule_page, table_page
from ingest.handbook.sql import sql_pieces, sql_words
from ingest.handbook.words import LANGUAGES, WHY_OF_CATEGORY
from ingest.paths import Home
from ingest.report import html, text, xlsx
from ingest.report.model import Report
from ingest.report.rule_link import rule_link
from ingest.template import TEMPLATES_FOLDER

STANDARD = load_standard()
FILES = handbook_files(STANDARD)
LARGEST_RULE_PAGE = 10_000  # bytes
TESTS = Path(__file__).parents[1]


class Page(HTMLParser):
    """What a browser would make of a page: links, anchors, what it loads, its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.loads: list[str] = []
        self.marked: list[str] = []
        self.text = ""
        self._in_marked = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        if tag == "a":
            self.links.append(said["href"] or "")
        self.loads += [address for name in ("src", "href") if tag != "a" and (address := said.get(name))]
        if said.get("id"):
            self.anchors.add(said["id"] or "")
        self._in_marked = tag == "td" and said.get("class") == "differs"

    def handle_endtag(self, tag: str) -> None:
        self._in_marked = False

    def handle_data(self, data: str) -> None:
        self.text += data
        if self._in_marked:
            self.marked.append(data)


PAGES = {name: Page(content.decode()) for name, content in FILES.items() if name.endswith(".html")}


def page(language: str, name: str) -> Page:
    return PAGES[f"{HANDBOOK_FOLDER}/{language}/{name}"]


def test_every_rule_table_and_code_list_has_its_page_in_both_languages() -> None:
    names = [
        *map(rule_page, STANDARD.rules),
        *map(table_page, STANDARD.all_tables),
        *map(codes_page, STANDARD.codes),
        "index.html",
        "words.html",
    ]
    assert len(names) > 200
    wanted = {f"{HANDBOOK_FOLDER}/{language}/{name}" for language in LANGUAGES for name in names}
    assert set(FILES) == wanted | {f"{HANDBOOK_FOLDER}/{name}" for name in ("index.html", "style.css")}


def test_no_link_leads_nowhere() -> None:
    followed = 0
    for name, found in PAGES.items():
        for link in found.links:
            path, _, anchor = link.partition("#")
            target = posixpath.normpath(posixpath.join(posixpath.dirname(name), path)) if path else name
            assert target in PAGES, f"{name} -> {link}"
            assert not anchor or anchor in PAGES[target].anchors, f"{name} -> {link}"
            followed += 1
    assert followed > 2000


def test_pages_load_nothing_but_the_one_style_sheet() -> None:
    styles = {posixpath.normpath(posixpath.join(posixpath.dirname(name), each))
              for name, found in PAGES.items() for each in found.loads}  # fmt: skip
    assert styles == {f"{HANDBOOK_FOLDER}/style.css"}
    assert b"url(" not in FILES[f"{HANDBOOK_FOLDER}/style.css"]
    assert [name for name, content in FILES.items() if b"http-equiv" in content or b"@import" in content] == []


def test_every_page_links_to_itself_in_the_other_language() -> None:
    for name, found in PAGES.items():
        _, language, file = name.rsplit("/", 2)
        if language in LANGUAGES:
            other = next(each for each in LANGUAGES if each != language)
            assert f"../{other}/{file}" in found.links, name


@pytest.mark.parametrize("rule", STANDARD.rules.values(), ids=lambda rule: rule.id)
def test_a_rule_page_says_what_why_how_to_fix_and_shows_both_examples(rule: Rule) -> None:
    for language in LANGUAGES:
        found = page(language, rule_page(rule.id))
        said = re.sub(r"\s+", " ", found.text)
        told = (getattr(rule.message, language), getattr(rule.remedy, language))
        plain = [rule.source, *(piece for text in told for piece in re.split(r"\{\w+\}", text))]
        plain.append(getattr(rule.why or WHY_OF_CATEGORY[rule.category], language))
        for piece in plain:
            assert re.sub(r"\s+", " ", piece) in said, piece
        assert re.sub(r"\s+", " ", rule.check.strip()) in said
        assert table_page(rule.table) in found.links or rule.table == "*"
        assert len(FILES[f"{HANDBOOK_FOLDER}/{language}/{rule_page(rule.id)}"]) < LARGEST_RULE_PAGE


def test_a_rule_page_marks_the_bad_cells() -> None:
    marked = 0
    for rule in STANDARD.rules.values():
        if rule.given:
            continue  # what makes the row bad may stand beside it
        cells = [cell for line in example_lines(STANDARD, rule) for cell in line.bad if cell.differs]
        assert cells or len(rule.bad_rows) > 1, f"{rule.id}: nothing in the bad example differs from the good one"
        shown = page("zh", rule_page(rule.id)).marked
        assert all(cell.text is None or any(cell.text in each for each in shown) for cell in cells), rule.id
        marked += len(cells)
    assert marked > 100


def test_a_table_page_says_everything_of_every_field() -> None:
    seen = 0
    for spec in STANDARD.all_tables.values():
        for language in LANGUAGES:
            found = page(language, table_page(spec.table))
            said = re.sub(r"\s+", " ", found.text)
            assert getattr(spec.grain, language) in said
            for field in spec.fields:
                seen += 1
                assert field.name in found.anchors
                note = getattr(field.note, language) if field.note else None
                facts = [getattr(field, language), field.name, note, field.required_when, field.example]
                labels = () if spec.system else (field.zh, *field.labels)
                for fact in (*facts, *field.nd, *field.eba, *labels):
                    assert not fact or re.sub(r"\s+", " ", fact) in said, (field.name, fact)
                for code_list in filter(None, (field.code_list, field.states)):
                    assert codes_page(code_list) in found.links
            rules = [rule.id for rule in STANDARD.rules.values() if rule.table == spec.table]
            assert {rule_page(rule_id) for rule_id in rules} <= set(found.links)
    assert seen > 200


def test_a_code_page_shows_every_code_and_who_uses_the_list() -> None:
    for name, codes in STANDARD.codes.items():
        for language in LANGUAGES:
            found = page(language, codes_page(name))
            for code in codes:
                assert code.code in found.anchors
                for fact in (code.zh, code.en, code.source, *code.aliases.split(";")):
                    assert fact in found.text, (name, code.code, fact)
    spec, field = next((spec, each) for spec in STANDARD.tables.values() for each in spec.fields if each.code_list)
    assert field.code_list
    assert f"{table_page(spec.table)}#{field.name}" in page("zh", codes_page(field.code_list)).links


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_index_lists_everything_without_its_script(language: str) -> None:
    found = page(language, "index.html")
    pages = [*map(rule_page, STANDARD.rules), *map(table_page, STANDARD.all_tables), *map(codes_page, STANDARD.codes)]
    assert set(pages) <= set(found.links)
    for version in STANDARD.head.versions:
        assert f"{version.valid_from} – {version.valid_to or ''}".strip() in found.text
    assert set(STANDARD.head.missing_codes) <= found.anchors


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_search_knows_every_field_and_every_code(language: str) -> None:
    content = FILES[f"{HANDBOOK_FOLDER}/{language}/index.html"].decode()
    match = re.search(r'<script type="application/json" id="entries">(.*?)</script>', content)
    assert match
    entries = json.loads(match[1])
    fields = sum(len(spec.fields) for spec in STANDARD.all_tables.values())
    assert len(entries) == fields + sum(map(len, STANDARD.codes.values()))
    for _, _, address in entries:
        name, _, anchor = address.partition("#")
        assert anchor in page(language, name).anchors, address


def test_no_personal_data_of_an_example_stands_on_a_page() -> None:
    hidden = defaultdict(set)
    for rule in STANDARD.rules.values():
        for row in (*rule.good_rows, *rule.bad_rows):
            for cell in row.values():
                if cell and mask(STANDARD, cell) != cell:
                    hidden[rule.id].add(cell)
    assert hidden, "some rule is about personal data"
    for rule_id, cells in hidden.items():
        for language in LANGUAGES:
            said = unescape(FILES[f"{HANDBOOK_FOLDER}/{language}/{rule_page(rule_id)}"].decode())
            assert [cell for cell in cells if cell in said] == []


def test_words_of_rules_are_explained_and_linked() -> None:
    words = {word.name for word in sql_words(STANDARD)}
    defined = set(re.findall(r"create or replace macro (\w+)", STANDARD.macros))
    assert len(defined) > 20
    assert defined <= words
    name = next(iter(sorted(defined)))
    assert sql_pieces(STANDARD, f"a < {name}(b)") == [("a < ", False), (name, True), ("(b)", False)]
    assert page("en", "words.html").anchors >= defined


@pytest.mark.parametrize("folder", ["orchard", "city_trees"])
def test_another_standard_has_its_handbook_as_well(folder: str) -> None:
    other = load_standard(TESTS / "standards" / folder)
    files = handbook_files(other)
    assert len(files) == 2 * (len(other.rules) + len(other.all_tables) + len(other.codes) + 2) + 2


def test_the_handbook_is_the_same_bytes_every_time() -> None:
    assert handbook_files.__wrapped__(STANDARD) == FILES


def test_the_build_notices_one_changed_byte_in_handbook_or_templates_and_a_page_too_many(tmp_path: Path) -> None:
    build(check=False, project=tmp_path)
    assert build(check=True, project=tmp_path) == []
    changed = [f"{HANDBOOK_FOLDER}/zh/index.html", f"{TEMPLATES_FOLDER}/{STANDARD.head.name}.xlsx"]
    for name in changed:
        content = bytearray((tmp_path / name).read_bytes())
        content[-1] ^= 1
        (tmp_path / name).write_bytes(content)
    extra = f"{HANDBOOK_FOLDER}/en/gone.html"
    (tmp_path / extra).write_text("no rule is called so")
    assert build(check=True, project=tmp_path) == sorted([*changed, extra])


@pytest.fixture
def rejected(npl_home: Home) -> Report:
    report = check_path(PROJECT_DIR / "examples" / "filings" / "rejected", STANDARD)
    assert report.findings
    return report


def test_a_report_links_each_rule_to_its_page_where_a_handbook_is_published(
    rejected: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NPL_HANDBOOK_URL", "https://npl.example/handbook/")
    config.settings.cache_clear()
    links = Page(html.render(rejected, STANDARD)).links
    for rule in rejected.rules:
        for language in LANGUAGES:
            assert f"https://npl.example/handbook/{language}/{rule.rule_id}.html" in links
            assert f"{HANDBOOK_FOLDER}/{language}/{rule.rule_id}.html" in FILES
        assert f"https://npl.example/handbook/zh/{rule.rule_id}.html" in text.render(rejected, STANDARD)
    assert xlsx.render(rejected, STANDARD) == xlsx.render(rejected, STANDARD)


def test_without_a_published_handbook_a_report_names_the_command_and_links_nowhere(rejected: Report) -> None:
    shown = Page(html.render(rejected, STANDARD))
    assert [link for link in shown.links if not link.startswith("#")] == []
    for rule in rejected.rules:
        assert f"npl standard show {rule.rule_id}" in shown.text
        assert f"npl standard show {rule.rule_id}" in text.render(rejected, STANDARD)


def test_a_rule_of_another_standard_has_no_page_here() -> None:
    other = load_standard(TESTS / "standards" / "orchard")
    assert rule_link(STANDARD, next(iter(STANDARD.rules))) is not None
    assert rule_link(other, next(iter(other.rules))) is None
    assert rule_link(STANDARD, "NPL-NONE-001") is None


@pytest.mark.parametrize("address", ["javascript:alert(1)", "handbook", "https://a b"])
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(ValidationError):
        Settings(handbook_url=address)
