"""Bytes to text: UTF-8 or GB18030, as told or as found beyond doubt."""

import codecs
import io
import mmap
import re
from typing import BinaryIO

from ingest.errors import FilingError

Content = bytes | mmap.mmap
UTF8, GB18030 = "utf-8", "gb18030"
BYTE_ORDER_MARKS = {codecs.BOM_UTF8: UTF8, b"\x84\x31\x95\x33": GB18030}
PIECE = 1 << 24  # bytes looked at in one go
HAN = re.compile("[\u3400-\u9fff]")
HAN_IN_UTF8 = re.compile(rb"[\xe3-\xe9][\x80-\xbf]{2}")
NOT_ASCII, THREE_BYTES = re.compile(rb"[\x80-\xff]"), re.compile(rb"[\xe0-\xf4]")  # of valid UTF-8


def decode(content: bytes, file: str, told: str | None = None) -> tuple[bytes, str]:
    """Return the text as UTF-8 without byte order mark, and the encoding it was filed in.

    Raises:
        FilingError: the bytes are not of the encoding told, or of neither UTF-8 nor GB18030; says byte and line.
    """
    whole = io.BytesIO()
    start, encoding = decode_into(content, file, told, whole)
    if encoding == UTF8:
        return content[start:] if start else content, UTF8
    return whole.getvalue(), encoding


def decode_into(content: Content, file: str, told: str | None, target: BinaryIO) -> tuple[int, str]:
    """The same for content of any size: where its text starts, and its encoding; what is not UTF-8 goes into `target`.

    Raises:
        FilingError: as `decode`.
    """
    start = 0
    if content[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        raise FilingError(
            f"{file}：文件是 UTF-16（“Unicode 文本”）。请另存为 UTF-8（Excel：“CSV UTF-8”）。",
            f'{file}: the file is UTF-16 ("Unicode text"). Save it as UTF-8 (in Excel: "CSV UTF-8").',
        )
    for mark, marked in BYTE_ORDER_MARKS.items():
        if content[: len(mark)] == mark:
            if told not in (None, marked):
                raise FilingError(
                    f"{file}：filing.json 写明编码为 {told}，但文件以 {marked} 的字节顺序标记开头。请改正 encoding。",
                    f"{file}: filing.json says {told}, but the file starts with {marked}'s byte order mark. "
                    "Correct `encoding`.",
                )
            while content[start : start + len(mark)] == mark:  # twice where programs each added one
                start += len(mark)
            told = marked
            break
    first = told or UTF8
    try:
        _transcode(content, first, start, target)
        return start, first
    except UnicodeDecodeError as error:
        if told:
            raise _undecodable(file, content, told, start, error.start) from None
        at_utf8 = error.start
    try:
        _transcode(content, GB18030, start, target)
        return start, GB18030
    except UnicodeDecodeError as error:
        # the longer a codec gets, the likelier it is the one meant
        raise _undecodable(file, content, "UTF-8 / GB18030", start, max(at_utf8, error.start)) from None


def _transcode(content: Content, encoding: str, first: int = 0, target: BinaryIO | None = None) -> None:
    """Read all that follows `first` strictly; write it as UTF-8 unless it is. Errors count from `first`."""
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    for start in range(first, len(content), PIECE):
        pending = len(decoder.getstate()[0])
        end = start + PIECE
        try:
            text = decoder.decode(content[start:end], final=end >= len(content))
        except UnicodeDecodeError as error:
            offset = start - first - pending
            raise UnicodeDecodeError(encoding, b"", offset + error.start, offset + error.end, error.reason) from None
        if encoding != UTF8 and target is not None:
            target.write(text.encode(UTF8))
        let_go(content)


def let_go(content: Content) -> None:
    """Of a file that is mapped into memory, drop what was read: it is read again where it is needed again."""
    if isinstance(content, mmap.mmap):
        content.madvise(mmap.MADV_DONTNEED)


def lines_before(content: Content, position: int) -> int:
    """Line feeds before a position."""
    return sum(content[start : min(start + PIECE, position)].count(b"\n") for start in range(0, position, PIECE))


def refuse_doubtful(content: Content, encoding: str, file: str) -> None:
    """Refuse bytes that two encodings take, where neither mark nor manifest says which: one would make other texts.

    Raises:
        FilingError: GB18030 in which a line is Chinese in UTF-8 too, or UTF-8 that is all right in GB18030.
    """
    position = _doubt(content) if encoding == UTF8 else _line_in_utf8(content)
    if position is not None:
        line = lines_before(content, position) + 1
        raise FilingError(
            f"{file}：无法确定编码：第 {line} 行既像 UTF-8 又像 GB18030（可能混用了两种编码，或文件末尾被截断）。"
            "请另存为“CSV UTF-8”，或在 filing.json 写明 encoding。",
            f"{file}: UTF-8 or GB18030? Line {line} may be either (the file may mix the two, or lack its end). "
            'Save it as "CSV UTF-8", or write `encoding` in filing.json.',
        )


def _doubt(content: Content) -> int | None:
    """Where UTF-8 may be GB18030: 路通 in GB18030 is · and a mark in UTF-8. Three bytes leave no doubt."""
    first = NOT_ASCII.search(content)
    if first is None or THREE_BYTES.search(content):
        return None
    try:
        _transcode(content, GB18030)
    except UnicodeDecodeError:
        return None
    return first.start()


def has_three_bytes(content: bytes) -> bool:
    """Whether valid UTF-8 holds a character that GB18030 leaves no doubt about."""
    return THREE_BYTES.search(content) is not None


def can_be_utf8_line(lines: bytes) -> bool:
    """Whether one of these lines of GB18030 is Chinese in UTF-8 too."""
    return _line_in_utf8(lines) is not None


def _line_in_utf8(content: Content) -> int | None:
    """Where a line starts that is Chinese in UTF-8 (common characters, not just any), its last one perhaps cut off."""
    position = 0
    while found := HAN_IN_UTF8.search(content, position):
        start = content.rfind(b"\n", 0, found.start()) + 1
        end = content.find(b"\n", found.end())
        position = end if end >= 0 else len(content)
        try:
            text = codecs.getincrementaldecoder(UTF8)("strict").decode(content[start:position])
            text.encode("gb2312")
        except UnicodeError:
            continue
        if HAN.search(text):
            return start
    return None


def _undecodable(file: str, content: Content, encoding: str, start: int, position: int) -> FilingError:
    line = lines_before(content, start + position) + 1
    return FilingError(
        f"{file}：第 {line} 行（第 {position + 1} 个字节）不是 {encoding} 编码。请另存为 UTF-8（Excel：“CSV UTF-8”）。",
        f'{file}: line {line} (byte {position + 1}) is not {encoding}. Save it as UTF-8 (in Excel: "CSV UTF-8").',
    )
