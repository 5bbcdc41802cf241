"""Files that ask for more memory than they deserve. They are made when the test runs and are never kept."""

from collections.abc import Iterable
from pathlib import Path

from corpus.build import BOOK_FILE, FILE, HEADER, Heavy, Unreadable, book, manifest, rows
from corpus.workbooks import far_apart

MEGABYTE = 1 << 20


def _streamed(place: Path, pieces: Iterable[bytes]) -> Path:
    target = place / "filing"
    target.mkdir()
    (target / "filing.json").write_bytes(manifest())
    with (target / FILE).open("wb") as file:
        for piece in pieces:
            file.write(piece)
    return target


def _one_cell(place: Path) -> Path:
    return _streamed(place, [HEADER.encode(), b'GG-1,"', *[b"x" * MEGABYTE] * 1024, b'",1\n'])


def _sparse(place: Path) -> Path:
    """A gigabyte of NUL that takes no room on the disk."""
    target = _streamed(place, [HEADER.encode()])
    with (target / FILE).open("r+b") as file:
        file.truncate(1024 * MEGABYTE)
    return target


def _one_line(place: Path) -> Path:
    return _streamed(place, [HEADER.encode(), b"GG-1,", *[b"x" * MEGABYTE] * 50, b",1\n"])


def _columns(place: Path) -> Path:
    names = ",".join(f"列{number}" for number in range(100_000)).encode()
    return _streamed(place, [names, b"\n", b"," * 99_999, b"\n"])


def _empty_lines(place: Path) -> Path:
    return _streamed(place, [HEADER.encode(), b"\n" * 1_000_000, "GG-1,甲,1\n".encode()])


HEAVY = [
    Heavy(
        "A cell of a gigabyte is refused by its row",
        _one_cell,
        Unreadable("第 2 行超过 10 MB", "row 2 is longer than 10 MB"),
        1400,
    ),
    Heavy(
        "A gigabyte of nothing is refused by its row",
        _sparse,
        Unreadable("第 2 行含有空字符", "row 2 holds a NUL byte"),
        1400,
    ),
    Heavy(
        "A line of 50 MB is refused by its row",
        _one_line,
        Unreadable("第 2 行超过 10 MB", "row 2 is longer than 10 MB"),
        200,
    ),
    Heavy(
        "A hundred thousand columns are refused",
        _columns,
        Unreadable("第 1 行（表头）过长", "row 1 (the header) is too long"),
        100,
    ),
    Heavy("A million empty lines are counted", _empty_lines, rows((1_000_002, "GG-1", "甲", "1")), 200),
    Heavy(
        "Two cells at the far ends of a sheet are refused",
        book(far_apart()),
        Unreadable(f"{BOOK_FILE}[资产包公告]：有 1 行", "row 1048576 column XFD"),
        50,
    ),
]
