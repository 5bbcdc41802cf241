"""File names, in folders and ZIPs."""

import unicodedata

from corpus.build import FILE, Case, Outcome, Unreadable, archive, file, folder, good, manifest, rows

READ = rows((2, "GG-1", "甲", "1"))
CONTENT = good()[FILE]


def _folder(name: str, called: str, outcome: Outcome = READ, listed: str | None = None) -> Case:
    return Case(name, "names", folder({"filing.json": manifest(listed or called), called: CONTENT}), outcome)


def _zip(name: str, called: str, outcome: Outcome = READ) -> Case:
    return Case(name, "names", file(archive({"filing.json": manifest(called), called: CONTENT})), outcome)


BAD_NAME = Unreadable("控制字符", "control characters")
NAMES = [
    _folder("A Chinese name is a name", "资产包公告（三月）.csv"),
    _folder(
        "Decomposed letters of macOS are the same name",
        unicodedata.normalize("NFD", "Société.csv"),
        listed="Société.csv",
    ),
    _folder("An emoji is a name", "公告😀.csv"),
    _folder("A name may look like a formula", "=cmd|'calc'!A1.csv"),
    _folder("A name may look like HTML", "<b>公告<b>.csv"),
    _folder("A line break in a name is refused", "公告\n.csv", BAD_NAME),
    _zip("A line break in a name of a ZIP is refused", "公告\n.csv", BAD_NAME),
    _zip(
        "A name of a thousand letters is refused",
        "a" * 1000 + ".csv",
        Unreadable("超过 255 字节", "longer than 255 bytes"),
    ),
    _folder(
        "A space at the end of a name is refused with what is taken", "公告.csv ", Unreadable("公告.csv", "公告.csv")
    ),
    _folder(
        "A full stop at the end of a name is refused with what is taken",
        "公告.csv.",
        Unreadable("公告.csv", "公告.csv"),
    ),
    _folder("A name in capitals is not the name listed", "公告.CSV", Unreadable("大小写", "case"), listed="公告.csv"),
]
