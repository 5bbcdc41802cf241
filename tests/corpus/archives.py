"""ZIPs that are odd, damaged or meant to harm."""

import io
import stat
import struct
import zipfile
from collections.abc import Callable

from corpus.build import FILE, Case, Outcome, Unreadable, archive, file, good, rows

READ = rows((2, "GG-1", "甲", "1"))
BROKEN = Unreadable("压缩包已损坏", "the ZIP is broken")
OUTSIDE = Unreadable("指向包外", "leads outside")
LINK = Unreadable("链接或特殊文件", "a link or special file")


def _case(name: str, content: bytes | Callable[[], bytes], outcome: Outcome) -> Case:
    return Case(name, "archives", file(content), outcome)


def _with(name: str, content: bytes = b"x", mode: int = 0) -> bytes:
    """A good filing and one more member."""
    buffer = io.BytesIO(archive())
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = 3, mode << 16
    with zipfile.ZipFile(buffer, "a") as target:
        target.writestr(info, content)
    return buffer.getvalue()


def _flipped(content: bytes, signature: bytes, offset: int, value: int) -> bytes:
    """The same archive with bits set at an offset of every header of a kind."""
    raw = bytearray(content)
    start = raw.find(signature)
    assert start >= 0
    while start >= 0:
        raw[start + offset] |= value
        start = raw.find(signature, start + 4)
    return bytes(raw)


def _encrypted() -> bytes:
    return _flipped(_flipped(archive(), b"PK\x03\x04", 6, 1), b"PK\x01\x02", 8, 1)


def _renamed(new: bytes) -> bytes:
    """A filing whose table has a name in bytes that Python would not write."""
    stand_in = "N" * len(new)
    return archive({"filing.json": good()["filing.json"], stand_in: good()[FILE]}).replace(stand_in.encode(), new)


def _wrong_sum() -> bytes:
    raw = bytearray(archive())
    place = raw.rfind(b"PK\x01\x02")
    raw[place + 16] ^= 0xFF
    return bytes(raw)


def _doubled(name: str) -> bytes:
    buffer = io.BytesIO(archive())
    stand_in = "N" * len(name.encode())
    with zipfile.ZipFile(buffer, "a") as target:
        target.writestr(stand_in, "公告编号\nGG-9\n")
    raw = buffer.getvalue().replace(stand_in.encode(), name.encode())
    return _flipped(raw, b"PK\x01\x02", 9, 0x08)


def _bomb() -> bytes:
    return archive({**good(), FILE: b"0" * 11_000_000})


def _lying_bomb() -> bytes:
    """Ten bytes by its own account, eleven million when unpacked."""
    raw = bytearray(_bomb())
    place = raw.rfind(b"PK\x01\x02")
    raw[place + 24 : place + 28] = struct.pack("<L", 10)
    return bytes(raw)


def _overlapping() -> bytes:
    """Two entries of the list that share one body."""
    raw = archive()
    first, second = raw.find(b"PK\x01\x02"), raw.rfind(b"PK\x01\x02")
    return raw[: second + 42] + raw[first + 42 : first + 46] + raw[second + 46 :]


def _crowded() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as target:
        for number in range(20_000):
            target.writestr(zipfile.ZipInfo(f"{number}"), b"")
    return buffer.getvalue()


def _crowded_and_silent() -> bytes:
    """A list of twenty thousand entries whose end says that there are two."""
    raw = bytearray(_crowded())
    end = raw.rfind(b"PK\x05\x06")
    raw[end + 8 : end + 12] = struct.pack("<HH", 2, 2)
    return bytes(raw)


def _large_zip() -> bytes:
    """ZIP64, as programs write it that don't know sizes beforehand."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target:
        for name, content in good().items():
            with target.open(name, "w", force_zip64=True) as member:
                member.write(content)
    return buffer.getvalue()


ARCHIVES = [
    _case("A plain ZIP is read", archive(), READ),
    _case("A ZIP of a folder is read", archive({f"报送/{name}": content for name, content in good().items()}), READ),
    _case("Junk of macOS and Windows is passed over", archive({**good(), "__MACOSX/._x": b"", "Thumbs.db": b""}), READ),
    _case("ZIP64 is read", _large_zip, READ),
    _case("A name in GBK is read", _renamed(FILE.encode("gbk")), READ),
    _case("A comment after the archive is no harm", archive()[:-2] + struct.pack("<H", 7) + b"garbage", READ),
    _case("Bytes before the archive are no harm", b"#!/bin/sh\n" + archive(), READ),
    _case("A bomb is refused by its ratio", _bomb, Unreadable("压缩比超过 200", "more than 200 times")),
    _case("A bomb that hides its size is refused", _lying_bomb, BROKEN),
    _case("A ZIP in a ZIP is refused", _with("more.zip", archive()), Unreadable("不能再有压缩包", "an archive inside")),
    _case("A tar in a ZIP is refused", _with("more.tar.gz"), Unreadable("不能再有压缩包", "an archive inside")),
    _case("A path that climbs is refused", _with("../../etc/passwd"), OUTSIDE),
    _case("A path that climbs out of a folder is refused", _with("a/../../x.csv"), OUTSIDE),
    _case("An absolute path is refused", _with("/etc/passwd"), OUTSIDE),
    _case("A drive letter is refused", _with("C:\\x.csv"), OUTSIDE),
    _case("A path that climbs by backslashes is refused", _with("..\\x.csv"), OUTSIDE),
    _case("A link is refused", _with("link.csv", b"/etc/passwd", stat.S_IFLNK | 0o777), LINK),
    _case("A pipe is refused", _with("pipe.csv", b"", stat.S_IFIFO | 0o600), LINK),
    _case("An encrypted ZIP is refused with the way out", _encrypted, Unreadable("去掉密码", "without a password")),
    _case("Twenty thousand entries are refused", _crowded, Unreadable("文件过多", "far too many files")),
    _case(
        "Entries that the end of the archive hides are counted",
        _crowded_and_silent,
        Unreadable("20000 个文件", "20000 files"),
    ),
    _case("A member that stands twice is refused by name", _doubled(FILE), Unreadable(f"两个 {FILE}", f"{FILE} twice")),
    _case("Two entries that share one body are refused", _overlapping, BROKEN),
    _case("A wrong sum is refused", _wrong_sum, BROKEN),
    _case("A ZIP that was cut is refused", archive()[:-30], Unreadable("filing.zip", "filing.zip")),
    _case("A file that nobody listed is refused by name", _with("other.csv"), Unreadable("other.csv", "other.csv")),
    _case("A ZIP without filing.json is refused", archive({FILE: b"x"}), Unreadable("找到 0 个", "found 0")),
    _case(
        "A spreadsheet of LibreOffice is refused with the way out",
        archive({"mimetype": b"application/vnd.oasis.opendocument.spreadsheet", "content.xml": b"<x/>"}),
        Unreadable("另存为 .xlsx", "Save it as .xlsx"),
    ),
]
