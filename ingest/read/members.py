"""The files of a filing, from a folder or a ZIP: a hostile archive is refused before anything of it is unpacked."""

import io
import shutil
import stat
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from ingest.config import settings
from ingest.errors import FilingError, legible

MANIFEST_FILE = "filing.json"
XLSX, JSON_LINES = ".xlsx", (".jsonl", ".ndjson")
STREAMED = {".csv", ".parquet", *JSON_LINES}
MOST_ENTRIES = 100
HIGHEST_RATIO = 200
SMALL_BYTES = 10_000_000  # below this a high ratio is just a repetitive table
MOST_LISTED, MOST_LISTED_BYTES = 10_000, 10_000_000  # beyond these the list itself is not read
LONGEST_NAME = 255  # bytes: what file systems take
UNPRINTABLE = {"Cc", "Cs", "Zl", "Zp"}  # Unicode categories
BROKEN_ZIP = (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, RuntimeError, ValueError, OSError)
OPEN_DOCUMENT, LONGEST_TYPE = b"application/vnd.oasis.opendocument", 1000
# how a ZIP ends: number of entries and size of its list, once more where they are large, then a comment
END_SIGNATURE, END_RECORD = b"PK\5\6", struct.Struct("<10xHL6x")
ZIP64_SIGNATURE, ZIP64_RECORD, ZIP64_LOCATOR_SIZE = b"PK\6\6", struct.Struct("<32xQQ8x"), 20
LONGEST_END = END_RECORD.size + 0xFFFF + ZIP64_RECORD.size + ZIP64_LOCATOR_SIZE
UTF8_NAME_FLAG, ENCRYPTED_FLAG = 0x800, 0x1
JUNK_FOLDERS, JUNK_FILES = {"__MACOSX"}, {".DS_Store", "Thumbs.db", "desktop.ini"}
ARCHIVES = {".zip", ".rar", ".7z", ".tar", ".gz", ".tgz", ".bz2", ".xz"}


@dataclass(frozen=True)
class Member:
    """One file of the filing; its content is read when asked for, so that not all of them lie in memory at once.

    A ZIP made on Windows does not say how its names are encoded: `names` are the possible readings, likeliest first.
    """

    names: tuple[str, ...]
    size: int
    read: Callable[[], bytes]
    place: Callable[[Path], Path]

    @property
    def content(self) -> bytes:
        """The file's bytes.

        Raises:
            FilingError: the ZIP is damaged here.
        """
        return self.read()

    @property
    def name(self) -> str:
        return self.names[0]

    def file(self, spool: Path) -> Path:
        """A file that holds the content: the one in the filing's folder, or one unpacked into the folder `spool`.

        Raises:
            FilingError: the ZIP is damaged here.
        """
        return self.place(spool)


def read_folder(path: Path) -> list[Member]:
    """Every file of a folder, by name.

    Raises:
        FilingError: a link, a subfolder with files, or more than the platform takes.
    """
    found: list[Member] = []
    files = [file for file in sorted(path.rglob("*")) if not _is_junk(file.relative_to(path).as_posix())]
    for file in files:
        name = file.relative_to(path).as_posix()
        if file.is_symlink() or not (file.is_file() or file.is_dir()):
            raise FilingError(
                f"{name}：不是普通文件（例如链接）。请放入文件本身。",
                f"{name}: not a plain file (a link, say). Put the file itself there.",
            )
    plain = [file for file in files if file.is_file()]
    _refuse_many(len(plain), legible(path.name))
    refuse_large_files(((file.name, file.stat().st_size) for file in plain), legible(path.name))
    for file in plain:
        name = _normal(legible(file.relative_to(path).as_posix()))
        _refuse_name(name)
        found.append(Member((name,), file.stat().st_size, file.read_bytes, partial(_in_place, file)))
    return _beside_manifest(found, legible(path.name))


def read_zip(path: Path) -> list[Member]:
    """Every file of a ZIP, in its order; if all lie in one folder, as seen from there.

    Raises:
        FilingError: broken, encrypted, too many or too large, or a member that is a link, an archive or leads outside.
    """
    try:
        with path.open("rb") as file:
            refuse_crowds(file, legible(path.name))
            with zipfile.ZipFile(file) as archive:
                listed = archive.infolist()
                refuse_large_files(((info.filename, info.file_size) for info in archive.infolist()), legible(path.name))
                _refuse_ratios(archive, legible(path.name))
                _refuse_document(archive, legible(path.name))
    except BROKEN_ZIP as error:
        raise _broken_zip(legible(path.name)) from error
    _refuse_many(len(listed), legible(path.name))
    members = [info for info in listed if not info.is_dir() and not _is_junk(_readings(info)[0])]
    for info in members:
        _refuse_hostile(info)
    _refuse_doubles([_readings(info)[0] for info in members], path.name)
    return _beside_manifest(
        [
            Member(_readings(info), info.file_size, partial(_unzipped, path, info), partial(_unpacked, path, info))
            for info in members
        ],
        legible(path.name),
    )


def _in_place(file: Path, _: Path) -> Path:
    return file


def _unzipped(path: Path, info: zipfile.ZipInfo) -> bytes:
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.read(info)
    except BROKEN_ZIP as error:
        raise _broken_zip(legible(path.name)) from error


def _unpacked(path: Path, info: zipfile.ZipInfo, spool: Path) -> Path:
    """A member unpacked into a folder, piece by piece; not under its name, which is the filer's."""
    target = spool / f"member{info.header_offset}"
    try:
        with zipfile.ZipFile(path) as archive, archive.open(info) as member, target.open("wb") as file:
            shutil.copyfileobj(member, file)
    except BROKEN_ZIP as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # the disk's fault
        raise _broken_zip(legible(path.name)) from error
    return target


def _refuse_document(archive: zipfile.ZipFile, name: str) -> None:
    """A spreadsheet of LibreOffice is a ZIP too, and whoever files it means a workbook."""
    info = archive.NameToInfo.get("mimetype")
    if info is not None and info.file_size < LONGEST_TYPE and archive.read(info).startswith(OPEN_DOCUMENT):
        raise FilingError(
            f"{name}：是 .ods 格式的工作簿。请另存为 .xlsx。", f"{name}: an .ods workbook. Save it as .xlsx."
        )


def refuse_crowds(file: BinaryIO, name: str) -> None:
    """Refuse an archive whose table of contents alone would fill the memory, before anybody reads it."""
    size = file.seek(0, io.SEEK_END)
    file.seek(max(0, size - LONGEST_END))
    tail = file.read()
    file.seek(0)
    start = tail.rfind(END_SIGNATURE)
    if start < 0 or len(tail) - start < END_RECORD.size:
        return  # no ZIP, as its reader will say
    entries, contents_size = END_RECORD.unpack_from(tail, start)
    record = tail[max(0, start - ZIP64_LOCATOR_SIZE - ZIP64_RECORD.size) : start]
    if record.startswith(ZIP64_SIGNATURE):
        entries, contents_size = ZIP64_RECORD.unpack_from(record)
    if entries > MOST_LISTED or contents_size > MOST_LISTED_BYTES:
        raise FilingError(
            f"{name}：压缩包内的文件过多，最多 {MOST_ENTRIES} 个。请分批报送。",
            f"{name}: far too many files in the ZIP, at most {MOST_ENTRIES}. File in parts.",
        )


def refuse_bombs(archive: zipfile.ZipFile, name: str) -> None:
    """Refuse what is small as filed and huge when unpacked (a workbook is a ZIP too)."""
    refuse_large(sum(info.file_size for info in archive.infolist()), name)
    _refuse_ratios(archive, name)


def _refuse_ratios(archive: zipfile.ZipFile, name: str) -> None:
    for info in archive.infolist():
        if info.file_size > SMALL_BYTES and info.file_size > HIGHEST_RATIO * max(info.compress_size, 1):
            raise FilingError(
                f"{name}：压缩包内有文件的压缩比超过 {HIGHEST_RATIO}，已拒收。请改用未压缩的文件夹。",
                f"{name}: a member unpacks to more than {HIGHEST_RATIO} times its size. File a folder instead.",
            )


def _refuse_hostile(info: zipfile.ZipInfo) -> None:
    name = _readings(info)[0]
    mode = info.external_attr >> 16
    path = PurePosixPath(name)
    for reading in _readings(info):
        _refuse_name(reading)
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise _broken_zip(name)
    if info.flag_bits & ENCRYPTED_FLAG:
        raise FilingError(
            f"{name}：压缩包已加密。请去掉密码后重新压缩。",
            f"{name}: the ZIP is encrypted. Make it again without a password.",
        )
    if not path.parts or path.is_absolute() or ".." in path.parts or "\0" in name or ":" in path.parts[0]:
        raise FilingError(
            "压缩包内的文件路径指向包外，已拒收。请重新压缩。",
            "A member of the ZIP leads outside it. Make the ZIP again.",
        )
    if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        raise FilingError(
            f"{name}：压缩包内有链接或特殊文件。请放入文件本身。",
            f"{name}: a link or special file in the ZIP. Put the file itself there.",
        )
    if path.suffix.lower() in ARCHIVES:
        raise FilingError(
            f"{name}：压缩包内不能再有压缩包。请解开后一起压缩。",
            f"{name}: an archive inside the ZIP. Unpack it first.",
        )


def _refuse_doubles(names: list[str], source: str) -> None:
    """One of two members of a name would never be read; which one depends on the program."""
    doubles = sorted({name for name in names if names.count(name) > 1})
    if doubles:
        raise FilingError(
            f"{source}：压缩包内有两个 {doubles[0]}。请只保留一个。",
            f"{source}: holds {doubles[0]} twice. Keep one of them.",
        )


def _refuse_name(name: str) -> None:
    """Names are printed in reports and logs: one that breaks lines or can't be written at all would spoil them."""
    if len(name.encode("utf-8", "surrogatepass")) > LONGEST_NAME or not UNPRINTABLE.isdisjoint(
        map(unicodedata.category, name)
    ):
        raise FilingError(
            f"有文件名超过 {LONGEST_NAME} 字节，或含有换行等控制字符。请改名。",
            f"A file name is longer than {LONGEST_NAME} bytes or holds line breaks or other control characters. "
            "Rename the file.",
        )


def _broken_zip(name: str) -> FilingError:
    return FilingError(
        f"{name}：压缩包已损坏或压缩方式不受支持。请重新压缩为普通 ZIP。",
        f"{name}: the ZIP is broken or of an unknown kind. Make a plain ZIP again.",
    )


def _readings(info: zipfile.ZipInfo) -> tuple[str, ...]:
    """The member's name; without the UTF-8 flag as Chinese Windows wrote it, then as macOS does."""
    if info.flag_bits & UTF8_NAME_FLAG:
        names = [info.orig_filename]
    else:
        raw = info.orig_filename.encode("cp437")
        readings = [_decoded(raw, encoding) for encoding in ("gb18030", "utf-8")]
        names = [name for name in readings if name is not None] or [info.orig_filename]
    return tuple(dict.fromkeys(_normal(name.replace("\\", "/")) for name in names))


def _decoded(raw: bytes, encoding: str) -> str | None:
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError:
        return None


def _normal(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def _is_junk(name: str) -> bool:
    """What macOS and Windows leave behind."""
    path = PurePosixPath(name)
    return path.name in JUNK_FILES or path.name.startswith("._") or not JUNK_FOLDERS.isdisjoint(path.parts)


def _beside_manifest(members: Iterable[Member], source: str) -> list[Member]:
    """The members as named beside `filing.json`, which may lie in one folder inside the ZIP."""
    members = list(members)
    paths = [PurePosixPath(member.name) for member in members]
    homes = [path.parent for path in paths if path.name == MANIFEST_FILE]
    if len(homes) != 1:
        raise FilingError(
            f"{source}：应有且只有一个 {MANIFEST_FILE}，找到 {len(homes)} 个。",
            f"{source}: must hold exactly one {MANIFEST_FILE}, found {len(homes)}.",
        )
    prefix = "" if homes[0] == PurePosixPath(".") else f"{homes[0].as_posix()}/"
    # what lies elsewhere keeps its whole path, so that it is reported as a file nobody named
    return [replace(member, names=tuple(name.removeprefix(prefix) for name in member.names)) for member in members]


def _refuse_many(count: int, source: str) -> None:
    if count > MOST_ENTRIES:
        raise FilingError(
            f"{source}：有 {count} 个文件，最多 {MOST_ENTRIES} 个。请分批报送。",
            f"{source}: {count} files, at most {MOST_ENTRIES}. File in parts.",
        )


def is_streamed(name: str, size: int) -> bool:
    """Whether a table file of this name and size goes through memory piece by piece."""
    return PurePosixPath(name).suffix.lower() in STREAMED and is_long(size)


def is_long(size: int) -> bool:
    """Whether a table that takes so many bytes, unpacked, is not to be held in memory."""
    return size > settings().stream_from_mb * 1_000_000


def refuse_large_files(sizes: Iterable[tuple[str, int]], source: str) -> None:
    """Refuse what is held in memory by the one bound, what goes through it in pieces by the other."""
    held = streamed = 0
    for name, size in sizes:
        if is_streamed(name, size):
            streamed += size
        else:
            held += size
    refuse_large(held, source)
    refuse_large(held + streamed, source, streamed=True)


def refuse_large(size: int, source: str, *, streamed: bool = False) -> None:
    limit = settings().largest_streamed_mb if streamed else settings().largest_file_mb
    if size > limit * 1_000_000:
        raise FilingError(
            f"{source}：内容共 {size // 1_000_000} MB，上限 {limit} MB。请分批报送。",
            f"{source}: holds {size // 1_000_000} MB, at most {limit} MB. File in parts.",
        )
