"""docs/institutions.md and .zh.md are true: all that they tell a clerk to do is done here, in their order."""

import io
import re
import shlex
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import openpyxl
import pytest
from filings import FILER, judge_by
from typer.testing import CliRunner

from expectations.spec import load_standard
from ingest import accept, receive, registry
from ingest.check import checking
from ingest.cli import app
from ingest.config import PROJECT_DIR
from ingest.paths import Home
from ingest.read.members import MANIFEST_FILE
from ingest.report.reconciliation import STATUS_WORDS
from ingest.template import template_files

OTHER_FILER, TABLE = "SLYH02", "package_notice"
DOCS = PROJECT_DIR / "docs"
PAGES = {language: DOCS / f"institutions{suffix}.md" for language, suffix in (("en", ""), ("zh", ".zh"))}
LARGEST_PICTURE = 150_000
STEP = re.compile(
    r"<!-- edit: (?P<source>\S+) -> (?P<target>\S+) \[(?P<sheet>\S+)\] -->\n\|.*\n\|[-|]+\|\n(?P<cells>(?:\|.*\n)+)"
    r"|<!-- (?P<json>write|shows): (?P<file>\S+) -->\n```json\n(?P<text>[^`]+)```"
    r"|<!-- (?P<decides>the platform decides)[^>]*-->"
    r"|^```\n(?P<commands>[^`]+)```",
    re.MULTILINE,
)
CELL = re.compile(r"\| (?P<row>[^|]+) \| (?P<column>[^|]+) \| (?P<value>[^|]+) \|")
EMPTIED = {"（清空）", "(empty)"}
DIGEST = re.compile(r"(?<=-\d{4}-)[0-9a-f]{8}\b")
REFUSED = re.compile(r"^\| `([^`]+)` \|", re.MULTILINE)
LINK = re.compile(r"\]\((?P<target>[^)#]+)\)")

Change = Callable[[bytes], bytes]


class Edit(NamedTuple):
    """Cells of one sheet to fill in; `row` is a number, or what stands in a cell of that row."""

    source: str
    target: str
    sheet: str
    cells: tuple[tuple[str, str, str | None], ...]


class Json(NamedTuple):
    is_written: bool
    file: str
    text: str


class Commands(NamedTuple):
    lines: tuple[str, ...]


class Decision(NamedTuple):
    """What waits is decided, and the outbox is copied beside the clerk's own files."""


Step = Edit | Json | Commands | Decision


def read(language: str) -> str:
    return PAGES[language].read_text(encoding="utf-8")


def refusals(language: str) -> list[str]:
    """The texts of the table at the page's end."""
    return REFUSED.findall(read(language).rpartition("\n## ")[2])


def steps(page: str) -> list[Step]:
    return [_step(match) for match in STEP.finditer(page)]


def _step(match: re.Match[str]) -> Step:
    if match["source"]:
        cells = tuple(
            (row, column, None if value in EMPTIED else value) for row, column, value in CELL.findall(match["cells"])
        )
        return Edit(match["source"], match["target"], match["sheet"], cells)
    if match["json"]:
        return Json(match["json"] == "write", match["file"], match["text"])
    return Decision() if match["decides"] else Commands(tuple(match["commands"].splitlines()))


class Walk:
    """The clerk's folder, and which id of this run stands for which id of the page."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.digests: dict[str, str] = {}
        self.commands = self.decisions = 0

    def here(self, text: str) -> str:
        return DIGEST.sub(lambda found: self.digests[found[0]], text)

    def go(self, step: Step) -> None:
        match step:
            case Edit():
                self.edit(step)
            case Json(is_written=True):
                Path(step.file).parent.mkdir(exist_ok=True)
                Path(step.file).write_text(self.here(step.text), encoding="utf-8")
            case Json():
                assert Path(step.file).read_text(encoding="utf-8") == step.text
            case Commands():
                self.run(step.lines)
            case Decision():
                assert [accept.decide(filing) for filing in receive.receive_waiting()] == ["accepted"]
                shutil.copytree(self.home.outbox / FILER, "outbox", dirs_exist_ok=True)
                self.decisions += 1

    def edit(self, step: Edit) -> None:
        book = openpyxl.load_workbook(self.here(step.source))
        sheet = book[step.sheet]
        header, *rows = sheet.iter_rows()
        for row, column, value in step.cells:
            (place,) = (cell.column for cell in header if _label(cell.value, column))
            number = int(row) if row.isdigit() else _one(line[0].row for line in rows if _holds(line, row))
            cell = sheet.cell(number, place)
            assert not (sheet.protection.sheet and cell.protection.locked), f"{cell.coordinate} can't be typed into"
            cell.value = _typed(value and self.here(value))
        book.save(step.target)

    def run(self, lines: Iterable[str]) -> None:
        """Run each command; all lines shown below it must be printed, in this order."""
        printed: list[str] = []
        for line in lines:
            if line.startswith("$ npl "):
                result = CliRunner().invoke(app, shlex.split(self.here(line))[2:])
                assert isinstance(result.exception, SystemExit | None), result.exception
                printed = [" ".join(each.split()) for each in result.stdout.splitlines()]
                self.commands += 1
            elif line != "...":
                while not self.is_printed(line, printed[0] if printed else pytest.fail(f"not printed: {line}")):
                    del printed[0]
                del printed[0]

    def is_printed(self, line: str, printed: str) -> bool:
        """Whether a line of the page, in which `...` is anything, was printed; its new ids are those of this run."""
        new = [digest for digest in DIGEST.findall(line) if digest not in self.digests]
        pattern = re.escape(" ".join(line.split())).replace(r"\.\.\.", ".*")
        for digest in DIGEST.findall(line):
            pattern = pattern.replace(digest, self.digests.get(digest, "([0-9a-f]{8})"), 1)
        found = re.fullmatch(pattern, printed)
        if found:
            self.digests.update(zip(new, found.groups(), strict=True))
        return found is not None


def _label(value: object, wanted: str) -> bool:
    text = str(value).lstrip("*")
    return text == wanted or text.startswith(f"{wanted} ")


def _holds(line: tuple[Any, ...], wanted: str) -> bool:
    return any(str(cell.value).split("\n")[0] == wanted for cell in line)


def _one(rows: Iterable[int]) -> int:
    (row,) = rows
    return row


def _typed(value: str | None) -> str | int | float | None:
    """As a spreadsheet program takes what is typed in."""
    if value is None or not re.fullmatch(r"\d+(\.\d+)?", value):
        return value
    return float(value) if "." in value else int(value)


def test_the_walk_goes_as_the_page_says(npl_home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    judge_by(monkeypatch, load_standard())
    walk = Walk(npl_home)
    for step in steps(read("zh")):
        walk.go(step)
    assert (walk.commands, walk.decisions, len(walk.digests)) == (13, 4, 4)


def test_both_languages_say_the_same_steps() -> None:
    english, chinese = (steps(read(language)) for language in ("en", "zh"))
    assert english == chinese
    assert {type(step) for step in english} == {Edit, Json, Commands, Decision}


def pictures(page: Path) -> list[str]:
    return re.findall(r"!\[[^\]]+\]\((pictures/[^)]+)\)", page.read_text(encoding="utf-8"))


def test_both_languages_show_the_same_pictures_and_all_there_are() -> None:
    shown = {page: pictures(page) for page in DOCS.glob("*.md")}
    for page in DOCS.glob("*.zh.md"):
        assert shown[page] == shown[page.with_name(page.name.replace(".zh.", "."))]
    everything = {DOCS / picture for each in shown.values() for picture in each}
    assert everything == set((DOCS / "pictures").glob("*.png"))
    for picture in everything:
        content = picture.read_bytes()
        assert content.startswith(b"\x89PNG")
        assert len(content) < LARGEST_PICTURE


@pytest.mark.parametrize("language", PAGES)
def test_every_link_leads_somewhere(language: str) -> None:
    targets = LINK.findall(read(language))
    assert len(targets) > 10
    assert not [target for target in targets if not (DOCS / target).exists()]


def test_the_limits_are_those_of_the_standard() -> None:
    head, page = load_standard().head, read("zh")
    limits = {name: parameter.value for name, parameter in head.parameters.items()}
    assert f"行数或本金的 {head.hold_ceiling * 100:g} % " in page
    assert f"月末后 {limits['counterpart_grace_days']} 天" in page
    assert f"已接收{'零一二三四五六七八九'[int(limits['answer_grace_filings'])]}份" in page
    assert not [words.zh for words in STATUS_WORDS.values() if f"| {words.zh} |" not in page]


def folder(change: Change) -> Callable[[Path], Path]:
    """The example as a folder, its CSV changed."""

    def make(place: Path) -> Path:
        for name, content in template_files(load_standard(), [TABLE], "csv", example=True).items():
            changed = content if name == MANIFEST_FILE else change(content)
            assert changed != content or name == MANIFEST_FILE or change is as_it_is
            (place / name).write_bytes(changed)
        return place

    return make


def book(**cells: Any) -> Callable[[Path], Path]:
    """The example as a workbook, some cells of its row filled in otherwise."""

    def make(place: Path) -> Path:
        ((name, content),) = template_files(load_standard(), [TABLE], "xlsx", example=True).items()
        target = openpyxl.load_workbook(io.BytesIO(content))
        for cell, value in cells.items():
            target["资产包公告"][cell].value = value
        target.save(place / name)
        return place / name

    return make


def file(name: str, content: bytes) -> Callable[[Path], Path]:
    def make(place: Path) -> Path:
        (place / name).write_bytes(content)
        return place / name

    return make


def as_it_is(content: bytes) -> bytes:
    return content


def half_gb18030(content: bytes) -> bytes:
    header, row = content.decode("utf-8-sig").splitlines()
    return f"{header}\r\n".encode() + row.encode("gb18030")


def swapped(old: str, new: str) -> Change:
    return lambda content: content.replace(old.encode(), new.encode())


def filed_once(place: Path) -> Path:
    """The example, which the registry holds as accepted already."""
    known = {"filing_id": f"{FILER}-2026-03-0001-b9885c1c", "folder": FILER, "name": "march.xlsx", "sha256": "0" * 64}
    said = {"institution_id": FILER, "subject_id": FILER, "period": "2026-03", "sequence": 1, "kind": "original"}
    registry.register({**known, **said, "received_at": registry.utc_now()})
    registry.set_state(known["filing_id"], "accepted")
    return folder(as_it_is)(place)


OLD_FORMAT = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(2000)  # of .xls, and of whatever Excel encrypts
IN_TEN_THOUSANDS = {"M2": 6636.98, "O2": 1100.62, "Q2": 7737.60, "R2": 22.82, "S2": 7760.42}
REFUSALS: dict[str, Callable[[Path], Path]] = {
    "two encodings in one file": folder(half_gb18030),
    "another header": folder(swapped("未偿本金总额(元)", "未偿本金余额")),
    "amounts in ten thousands": book(**IN_TEN_THOUSANDS),
    "thousands separators": folder(swapped("66369783.05", "66,369,783.05")),
    "a formula that was never calculated": book(Q2="=M2+O2"),
    "a code of 18 digits as a number": book(F2=913501001234567899),
    "another's folder": folder(as_it_is),
    "a sequence that is in force": filed_once,
    "a password": file("package_notice.xlsx", OLD_FORMAT),
    "an old format": file("package_notice.xls", OLD_FORMAT),
}


@pytest.mark.usefixtures("npl_home")
@pytest.mark.parametrize("name", REFUSALS)
def test_a_refusal_is_worded_as_the_page_shows_it(name: str, tmp_path: Path) -> None:
    number = list(REFUSALS).index(name)
    through = OTHER_FILER if name == "another's folder" else FILER
    place = tmp_path / "filing"
    place.mkdir()
    with checking(REFUSALS[name](place), load_standard(), through) as checked:
        report = checked.report
    assert report.verdict in ("rejected", "unreadable")
    said = [report.problem] if report.problem else [finding.message for finding in report.findings]
    shown = {language: refusals(language)[number] for language in PAGES}
    assert any(shown["zh"] in text.zh and shown["en"] in text.en for text in said), (shown, said)


def test_every_refusal_of_the_pages_is_tried() -> None:
    assert [len(refusals(language)) for language in PAGES] == [len(REFUSALS)] * len(PAGES)
