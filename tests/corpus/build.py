"""What the corpus is made with: small filings of one table, and the outcomes that they must have."""

import io
import json
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import xlsxwriter

FILE = "公告.csv"
BOOK_FILE = "公告.xlsx"
HEADER = "公告编号,项目名称,起始价(元)\n"


@dataclass(frozen=True)
class Rows:
    """Read: every row's number and cells, exactly."""

    rows: tuple[tuple[int | str | None, ...], ...]
    encoding: str | None = None


@dataclass(frozen=True)
class Unreadable:
    """Refused; both texts hold these fragments (row, column or file included where there is one)."""

    zh: str
    en: str


Outcome = Rows | Unreadable


@dataclass(frozen=True)
class Case:
    """One file: `make` builds it in an empty folder and returns where the filing lies."""

    name: str
    group: str
    make: Callable[[Path], Path]
    outcome: Outcome


@dataclass(frozen=True)
class Heavy:
    """A file that must be settled within so many MB above what the interpreter and its libraries take."""

    name: str
    make: Callable[[Path], Path]
    outcome: Outcome
    megabytes: int


def rows(*cells: tuple[int | str | None, ...], encoding: str | None = None) -> Rows:
    return Rows(cells, encoding)


def manifest(file: str = FILE, **entry: Any) -> bytes:
    return json.dumps(
        {
            "institution": "SLXJ01",
            "period": "2026-03",
            "sequence": 1,
            "kind": "original",
            "tables": [{"table": "package_notice", "file": file, **entry}],
        },
        ensure_ascii=False,
    ).encode("utf-8", "surrogatepass")


def folder(files: Mapping[str, bytes]) -> Callable[[Path], Path]:
    def make(place: Path) -> Path:
        target = place / "filing"
        target.mkdir()
        for name, content in files.items():
            (target / name).write_bytes(content)
        return target

    return make


def csv(content: bytes | str, told: str | None = None) -> Callable[[Path], Path]:
    """A folder with one CSV under these bytes."""
    content = content.encode() if isinstance(content, str) else content
    entry = {"encoding": told} if told else {}
    return folder({"filing.json": manifest(**entry), FILE: content})


def lines(text: str, told: str | None = None) -> Callable[[Path], Path]:
    """A folder with one CSV: the usual header, then these lines."""
    return csv(HEADER + text, told)


def book(content: bytes) -> Callable[[Path], Path]:
    """A folder with one workbook as its table."""
    return folder({"filing.json": manifest(BOOK_FILE), BOOK_FILE: content})


def archive(files: Mapping[str, bytes] | None = None) -> bytes:
    """A plain ZIP with a good filing, or with these files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in (good() if files is None else dict(files)).items():
            target.writestr(name, content)
    return buffer.getvalue()


def good() -> dict[str, bytes]:
    return {"filing.json": manifest(), FILE: (HEADER + "GG-1,甲,1\n").encode()}


def file(content: bytes | Callable[[], bytes], name: str = "filing.zip") -> Callable[[Path], Path]:
    def make(place: Path) -> Path:
        target = place / name
        target.write_bytes(content if isinstance(content, bytes) else content())
        return target

    return make


def written(fill: Callable[[Any, Any], None], options: dict[str, Any] | None = None) -> bytes:
    """A workbook by xlsxwriter: `fill(book, sheet)` adds to a sheet that has the usual header in row 1."""
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True, **(options or {})}) as target:
        sheet = target.add_worksheet("资产包公告")
        sheet.write_row(0, 0, HEADER.strip().split(","))
        fill(target, sheet)
    return buffer.getvalue()


def repacked(content: bytes, change: Mapping[str, Callable[[bytes], bytes] | None]) -> bytes:
    """The same archive with some parts changed or left out (None)."""
    buffer = io.BytesIO()
    changed = set()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(buffer, "w") as target:
        for info in source.infolist():
            turn = change.get(info.filename, lambda part: part)
            if info.filename in change:
                changed.add(info.filename)
            if turn is not None:
                before = source.read(info)
                after = turn(before)
                assert info.filename not in change or before != after, f"{info.filename} is as it was"
                target.writestr(info.filename, after, zipfile.ZIP_DEFLATED)
    assert changed == set(change), f"no such part: {set(change) - changed}"
    return buffer.getvalue()


def put(old: str, new: str) -> Callable[[bytes], bytes]:
    return lambda part: part.replace(old.encode(), new.encode())
