"""Bytes that are UTF-8, GB18030, both, or neither."""

import codecs

from corpus.build import HEADER, Case, Outcome, Unreadable, csv, rows

TEXT = HEADER + "GG-1,示例第一期,1\n"
READ = (2, "GG-1", "示例第一期", "1")
ASCII_HEADER = "notice_id,package_name,start_price_cny\n"


def _case(name: str, content: bytes | str, outcome: Outcome, told: str | None = None) -> Case:
    return Case(name, "encodings", csv(content, told), outcome)


ENCODINGS = [
    _case("UTF-8 without a mark is read", TEXT, rows(READ, encoding="utf-8")),
    _case("UTF-8 with its mark is read", TEXT.encode("utf-8-sig"), rows(READ, encoding="utf-8")),
    _case(
        "A second mark is no part of the header",
        codecs.BOM_UTF8 + TEXT.encode("utf-8-sig"),
        rows(READ, encoding="utf-8"),
    ),
    _case("GB18030 is found", TEXT.encode("gb18030"), rows(READ, encoding="gb18030")),
    _case("GB18030 is read as told", TEXT.encode("gb18030"), rows(READ, encoding="gb18030"), "gb18030"),
    _case(
        "Characters of four bytes in GB18030 are read",
        (HEADER + "GG-1,𠮷野㐀,1\n").encode("gb18030"),
        rows((2, "GG-1", "𠮷野㐀", "1"), encoding="gb18030"),
    ),
    _case(
        "GBK told as UTF-8 is refused by line",
        TEXT.encode("gbk"),
        Unreadable("第 1 行（第 1 个字节）不是 utf-8", "line 1 (byte 1) is not utf-8"),
        "utf-8",
    ),
    _case("UTF-16 with a mark is refused", TEXT.encode("utf-16"), Unreadable("UTF-16", "UTF-16")),
    _case("UTF-16 without a mark is refused", TEXT.encode("utf-16-le"), Unreadable("第 1 行", "1")),
    _case(
        "UTF-16 of plain letters holds NUL bytes",
        (ASCII_HEADER + "GG-1,x,1\n").encode("utf-16-le"),
        Unreadable("第 1 行含有空字符", "row 1 holds a NUL byte"),
    ),
    _case(
        "A GBK line in a UTF-8 file is refused, not guessed",
        ASCII_HEADER.encode() + "GG-1,示例,1\n".encode() + "GG-2,示例,2\n".encode("gbk"),
        Unreadable("第 2 行既像 UTF-8 又像 GB18030", "Line 2 may be either"),
    ),
    _case(
        "A UTF-8 line in a GBK file is refused, not guessed",
        ASCII_HEADER.encode() + "GG-1,示例,1\n".encode("gbk") + "GG-2,示例,2\n".encode(),
        Unreadable("第 3 行既像 UTF-8 又像 GB18030", "Line 3 may be either"),
    ),
    _case(
        "UTF-8 cut inside its last character is refused",
        (ASCII_HEADER + "GG-1,示例一,1\nGG-2,示").encode()[:-1],
        Unreadable("第 3 行", "line 3 (byte"),
    ),
    _case(
        "UTF-8 that is cut so that GB18030 takes it is refused",
        (ASCII_HEADER + "GG-1,示例,1\nGG-2,一").encode()[:-1],
        Unreadable("第 2 行既像 UTF-8 又像 GB18030", "Line 2 may be either"),
    ),
    _case(
        "路通 alone, which is other letters in UTF-8, is refused, not guessed",
        (ASCII_HEADER + "GG-1,路通,1\n").encode("gbk"),
        Unreadable("第 2 行既像 UTF-8 又像 GB18030", "Line 2 may be either"),
    ),
    _case(
        "路通 is read where the encoding is told",
        (ASCII_HEADER + "GG-1,路通,1\n").encode("gbk"),
        rows((2, "GG-1", "路通", "1"), encoding="gb18030"),
        "gb18030",
    ),
    _case(
        "Latin-1 is refused by byte",
        (ASCII_HEADER + "GG-1,café,1\n").encode("latin-1"),
        Unreadable("第 2 行（第 48 个字节）", "line 2 (byte 48)"),
    ),
    _case(
        "A mark that is not of the encoding told is refused",
        TEXT.encode("utf-8-sig"),
        Unreadable("字节顺序标记", "byte order mark"),
        "gb18030",
    ),
]
