"""What a filed value may not do to whoever opens the report: run as a formula, as HTML, or on a terminal."""

import csv
import io
import json
import re
import zipfile
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from python_calamine import CalamineWorkbook

from expectations.spec import Standard, load_standard
from ingest.report import findings_csv, html, text, xlsx
from ingest.report.cells import inert, visible
from ingest.report.model import Report

STANDARD_DIR = Path(__file__).parents[1] / "golden" / "report" / "standard"
FORMULA_STARTS = tuple("=+-@\t\r\n＝＋－＠")
HOSTILE = [
    "=cmd|' /C calc'!A0",
    '=HYPERLINK("http://example.org","open")',
    "+1+1",
    "-2+3",
    "@SUM(1,2)",
    "\t=1+1",
    "\r=1+1",
    "\n=1+1",
    "＝1+1",
    "＠SUM(1,2)",
    "<script>alert(1)</script>",
    "</textarea></style></title><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "javascript:alert(1)",
    "http://example.org/",
    "{{ 7 * 7 }}{% include '/etc/passwd' %}",
    "{message.__class__}",
    "<!-- ",
    "&lt;b&gt;&amp;",
    "\x1b[2J\x07一\u202e二",
]


@pytest.fixture(scope="module")
def standard() -> Standard:
    return load_standard(STANDARD_DIR)


def attacked(value: str) -> Report:
    """A report that says this value wherever a filed text may stand, in full and in the folded rows."""
    said = {"zh": value, "en": value}
    place = {
        "rule_id": "EQP-SAL-001",
        "severity": "reject",
        "category": "logical",
        "table": "machine_sale",
        "file": value,
        "key": value,
        "fields": [value],
        "values": {value: value, "remarks": value},
        "message": said,
        "remedy": said,
        "suggestion": value,
        "fingerprint": "0" * 16,
    }
    # one place with words of its own, so that message and remedy stand in every row
    first: dict[str, Any] = {**place, "message": {"zh": "x", "en": "x"}, "remedy": {"zh": "x", "en": "x"}}
    rows = [{**(place if row > 2 else first), "row": row} for row in range(2, 40)]
    return Report.model_validate(
        {
            "verdict": "rejected",
            "standard": {"version": "1.0", "sha256": "0" * 64},
            "filing": {"institution": value, "period": value, "remark": value},
            "tables": [{"table": "machine_sale", "rows": 1, "accepted": 0, "held": 0}],
            "rules": [{"rule_id": "EQP-SAL-001", "severity": "reject", "category": "logical", "count": len(rows)}],
            "findings": rows,
            "findings_total": len(rows),
        }
    )


class Page(HTMLParser):
    """A page's elements and attributes as a browser would make them, and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str]] = []
        self.comments = 0
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        self.comments += 1


@pytest.fixture(scope="module")
def harmless(standard: Standard) -> Page:
    return Page(html.render(attacked("harmless"), standard))


@pytest.mark.parametrize("value", HOSTILE)
def test_in_the_page_it_is_text_and_adds_no_element_or_link(value: str, standard: Standard, harmless: Page) -> None:
    page = Page(html.render(attacked(value), standard))
    assert page.tags == harmless.tags
    assert [name for name, _ in page.attributes] == [name for name, _ in harmless.attributes]
    assert page.comments == 0
    assert page.text.count(visible(value)) >= harmless.text.count("harmless") > 100
    links = [target for name, target in page.attributes if name in ("href", "src")]
    assert links
    assert all(target.startswith("#") for target in links)


@pytest.mark.parametrize("value", HOSTILE)
def test_in_the_csv_no_cell_begins_as_a_formula_and_nothing_is_lost(value: str) -> None:
    content = findings_csv.render(attacked(value)).decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(content, newline="")))
    assert len(rows) == 39
    assert not [cell for row in rows for cell in row if cell.startswith(FORMULA_STARTS)]
    assert dict(zip(rows[0], rows[-1], strict=True))["suggestion"] == inert(value)
    assert inert(value).removeprefix("'") == value


@pytest.mark.parametrize("value", HOSTILE)
def test_in_the_workbook_it_is_a_text_cell_and_never_a_formula_or_link(value: str, standard: Standard) -> None:
    content = xlsx.render(attacked(value), standard)
    with zipfile.ZipFile(io.BytesIO(content)) as parts:
        sheets = [parts.read(name).decode() for name in parts.namelist() if name.startswith("xl/worksheets/sheet")]
        linked = [name for name in parts.namelist() if "externalLink" in name or "worksheets/_rels" in name]
    assert len(sheets) == 2
    assert not linked
    assert not [sheet for sheet in sheets if re.search(r"<f[ >]|<hyperlink", sheet)]
    rows = CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_name(xlsx.FINDINGS_SHEET).to_python()
    shown = str(rows[-1][10])
    assert shown.replace("\r", "").strip("\n") == value.replace("\r", "").strip("\n")


@pytest.mark.parametrize("value", HOSTILE)
def test_on_the_terminal_it_moves_nothing_and_begins_no_line_of_its_own(value: str, standard: Standard) -> None:
    shown = text.render(attacked(value), standard)
    assert shown.count(visible(value)) > 20
    assert not re.search("[\\x00-\\x09\\x0b-\\x1f\\x7f-\\x9f\\u202a-\\u202e]", shown)
    assert len(shown.splitlines()) == len(text.render(attacked("harmless"), standard).splitlines())


@pytest.mark.parametrize("value", HOSTILE)
def test_the_json_says_it_exactly(value: str) -> None:
    told = json.loads(attacked(value).to_json_bytes())
    assert told["findings"][-1]["values"] == {value: value, "remarks": value}
    assert Report.model_validate(told) == attacked(value)


def test_unseen_characters_are_shown() -> None:
    assert visible("\x1b[2J一\u202e二\n三") == "⟨U+001B⟩[2J一⟨U+202E⟩二⟨U+000A⟩三"
