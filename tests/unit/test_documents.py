"""What the documents point to is there, and nothing in them waits to be filled in."""

import re
from pathlib import Path

import pytest

from ingest.config import PROJECT_DIR

DOCUMENTS = sorted([*PROJECT_DIR.glob("*.md"), *(PROJECT_DIR / "docs").rglob("*.md")])
LINK = re.compile(r"\]\(([^)#\s]+)")
FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
LEFT_OPEN = re.compile(r"^\{[A-Z0-9_]+\}$|\b(?:TODO|FIXME|TBD)\b", re.MULTILINE)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.relative_to(PROJECT_DIR).as_posix())
def test_every_link_leads_somewhere_and_nothing_is_left_open(document: Path) -> None:
    text = FENCED.sub("", document.read_text(encoding="utf-8"))
    links = [link for link in LINK.findall(text) if "://" not in link and not link.startswith("mailto:")]
    assert [link for link in links if not (document.parent / link).exists()] == []
    assert LEFT_OPEN.findall(text) == []


def test_there_are_documents_with_links() -> None:
    assert len(DOCUMENTS) > 50
    assert any(LINK.search(each.read_text(encoding="utf-8")) for each in DOCUMENTS)
