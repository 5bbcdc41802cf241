"""The XML parts of a workbook, read in pieces: which sheets, which texts, which formats.

Read by expat and not by a library of spreadsheets: those keep a sheet as a rectangle, so that two cells far apart ask
for more memory than any machine has, and make a formula that was never calculated an empty cell (docs/adr/0012).
"""

import posixpath
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import IO
from xml.parsers import expat

from ingest.read.xlsx_values import Kind, kind_of_format

PIECE = 1 << 18
LONGEST_TEXT = 32_767  # characters in a cell; Excel calls a workbook with more of them damaged
ESCAPED = re.compile("_x([0-9A-Fa-f]{4})_")
TRUE = ("1", "true", "on")
MACROS = {"vbaProject", "xlMacrosheet", "xlIntlMacrosheet"}

Attributes = Mapping[str, str]
Start = Callable[[str, Attributes], None]
End = Callable[[str], None]


class BrokenWorkbookError(ValueError):
    """What lies there is no workbook that Excel would have written."""


# whatever a damaged archive or damaged XML raises
BREAKAGE: tuple[type[Exception], ...] = (
    *(zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError),
    *(LookupError, ValueError, OSError, expat.ExpatError),
)


def _nothing(_: str) -> None:
    pass


def parse(source: IO[bytes], start: Start, end: End = _nothing, text: End = _nothing) -> Iterator[None]:
    """Feed a part to handlers, piece by piece; element names come without their prefix."""
    parser = expat.ParserCreate()
    parser.buffer_text = True

    def refuse(*_: object) -> None:
        # no spreadsheet program writes one; entities that multiply or read other files need one
        raise BrokenWorkbookError("document type")

    def root(name: str, attributes: Attributes) -> None:
        # most programs write no prefix: then the handlers stand alone, which halves the time
        prefix = name[: name.find(":") + 1]
        parser.StartElementHandler = start
        parser.EndElementHandler = end
        if prefix:
            parser.StartElementHandler = lambda name, attributes: start(name.removeprefix(prefix), attributes)
            parser.EndElementHandler = lambda name: end(name.removeprefix(prefix))
        start(name.removeprefix(prefix), attributes)

    parser.StartDoctypeDeclHandler = refuse
    parser.StartElementHandler = root
    parser.CharacterDataHandler = text
    while piece := source.read(PIECE):
        parser.Parse(piece, False)
        yield
    parser.Parse(b"", True)
    yield


def _parse_whole(archive: zipfile.ZipFile, part: str, start: Start, end: End = _nothing, text: End = _nothing) -> None:
    with archive.open(part) as source:
        for _ in parse(source, start, end, text):
            pass


@dataclass(frozen=True)
class SheetPlace:
    """A worksheet: where its part lies, and whether the workbook hides it."""

    part: str
    is_hidden: bool


@dataclass
class BookParts:
    """What the workbook's own part says. `sheets` are those with cells (no chart sheets), in their order."""

    sheets: dict[str, SheetPlace] = field(default_factory=dict)
    strings: str | None = None
    styles: str | None = None
    from_1904: bool = False
    is_uncalculated: bool = False  # its program left all formulas to be calculated when Excel opens it
    has_macros: bool = False
    is_binary: bool = False


def book_parts(archive: zipfile.ZipFile) -> BookParts:
    """Return what the workbook consists of.

    Raises:
        one of BREAKAGE: no workbook, or its parts don't fit together.
    """
    found = BookParts()
    main = dict(_relations(archive, "_rels/.rels", "").values())["officeDocument"]
    if main.endswith(".bin"):
        return BookParts(is_binary=True)
    folder, name = posixpath.split(main)
    relations = _relations(archive, f"{folder}/_rels/{name}.rels".lstrip("/"), folder)
    kinds = dict(relations.values())
    found.strings, found.styles = kinds.get("sharedStrings"), kinds.get("styles")
    found.has_macros = not MACROS.isdisjoint(kinds)

    def start(element: str, attributes: Attributes) -> None:
        if element == "sheet":
            (relation,) = (value for key, value in attributes.items() if key.endswith(":id"))
            kind, part = relations[relation]
            if attributes["name"] in found.sheets:
                raise BrokenWorkbookError("two sheets of one name")
            if kind == "worksheet":
                hidden = attributes.get("state", "visible") != "visible"
                found.sheets[attributes["name"]] = SheetPlace(part, hidden)
        elif element == "workbookPr":
            found.from_1904 = attributes.get("date1904") in TRUE
        elif element == "calcPr":
            found.is_uncalculated = attributes.get("fullCalcOnLoad") in TRUE

    _parse_whole(archive, main, start)
    return found


def _relations(archive: zipfile.ZipFile, part: str, folder: str) -> dict[str, tuple[str, str]]:
    """Kind and target of each relation by id; links to other files are left out."""
    found: dict[str, tuple[str, str]] = {}

    def start(element: str, attributes: Attributes) -> None:
        if element == "Relationship" and attributes.get("TargetMode") != "External":
            target = posixpath.normpath(posixpath.join("/", folder, attributes["Target"])).lstrip("/")
            found[attributes["Id"]] = (attributes["Type"].rpartition("/")[2], target)

    _parse_whole(archive, part, start)
    return found


def shared_strings(archive: zipfile.ZipFile, part: str | None) -> list[str]:
    """The texts that cells point at, in their order; how a text is to be pronounced is no part of it."""
    found: list[str] = []
    collected = ""
    inside = {"t": 0, "rPh": 0}

    def start(element: str, attributes: Attributes) -> None:
        if element in inside:
            inside[element] += 1

    def end(element: str) -> None:
        nonlocal collected
        if element in inside:
            inside[element] -= 1
        elif element == "si":
            found.append(unescaped(collected))
            collected = ""

    def text(part: str) -> None:
        nonlocal collected
        if inside["t"] and not inside["rPh"]:
            collected += part
            if len(collected) > LONGEST_TEXT:
                raise BrokenWorkbookError("a text longer than a cell can hold")

    if part is not None:
        _parse_whole(archive, part, start, end, text)
    return found


def cell_kinds(archive: zipfile.ZipFile, part: str | None) -> list[Kind]:
    """What each cell style makes of a number."""
    codes: dict[int, str] = {}
    numbers: list[int] = []
    inside = {"cellXfs": 0}

    def start(element: str, attributes: Attributes) -> None:
        if element in inside:
            inside[element] += 1
        elif element == "numFmt":
            codes[int(attributes["numFmtId"])] = attributes["formatCode"]
        elif element == "xf" and inside["cellXfs"]:
            numbers.append(int(attributes.get("numFmtId", "0")))

    def end(element: str) -> None:
        if element in inside:
            inside[element] -= 1

    if part is not None:
        _parse_whole(archive, part, start, end)
    return [kind_of_format(number, codes.get(number)) for number in numbers]


def unescaped(text: str) -> str:
    """`_x000D_` is how the format writes what XML can't hold; what no text can hold stays as it is written."""
    return ESCAPED.sub(_character, text) if "_x" in text else text


def _character(match: re.Match[str]) -> str:
    code = int(match[1], 16)
    return match[0] if code == 0 or 0xD800 <= code < 0xE000 else chr(code)
