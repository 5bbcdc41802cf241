"""The files of a filing, from a folder or a ZIP, in memory: a hostile archive is refused before it is unpacked."""

import stat
import unicodedata
import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ingest.config import settings
from ingest.errors import FilingError

MANIFEST_FILE = "filing.json"
MOST_ENTRIES = 100
HIGHEST_RATIO = 200
SMALL_BYTES = 10_000_000  # below this a high ratio is just a repetitive table
UTF8_NAME_FLAG, ENCRYPTED_FLAG = 0x800, 0x1
JUNK_FOLDERS, JUNK_FILES = {"__MACOSX"}, {".DS_Store", "Thumbs.db", "desktop.ini"}
ARCHIVES = {".zip", ".rar", ".7z", ".tar", ".gz", ".tgz", ".bz2", ".xz"}


@dataclass(frozen=True)
class Member:
    """One file of the filing.

    A ZIP made on Windows does not say how its names are encoded: `names` are the possible readings, likeliest first.
    """

    names: tuple[str, ...]
    content: bytes

    @property
    def name(self) -> str:
        return self.names[0]


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
    _refuse_many(len(plain), path.name)
    _refuse_large(sum(file.stat().st_size for file in plain), path.name)
    for file in plain:
        found.append(Member((_normal(file.relative_to(path).as_posix()),), file.read_bytes()))
    return _beside_manifest(found, path.name)


def read_zip(path: Path) -> list[Member]:
    """Every file of a ZIP, in its order; if all lie in one folder, as seen from there.

    Raises:
        FilingError: broken, encrypted, too many or too large, or a member that is a link, an archive or leads outside.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = [info for info in archive.infolist() if not info.is_dir() and not _is_junk(_readings(info)[0])]
            _refuse_many(len(archive.infolist()), path.name)
            refuse_bombs(archive, path.name)
            for info in members:
                _refuse_hostile(info)
            return _beside_manifest([Member(_readings(info), archive.read(info)) for info in members], path.name)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, ValueError) as error:
        raise _broken_zip(path.name) from error


def refuse_bombs(archive: zipfile.ZipFile, name: str) -> None:
    """Refuse what is small as filed and huge when unpacked (a workbook is a ZIP too)."""
    _refuse_large(sum(info.file_size for info in archive.infolist()), name)
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
    return [Member(tuple(name.removeprefix(prefix) for name in member.names), member.content) for member in members]


def _refuse_many(count: int, source: str) -> None:
    if count > MOST_ENTRIES:
        raise FilingError(
            f"{source}：有 {count} 个文件，最多 {MOST_ENTRIES} 个。请分批报送。",
            f"{source}: {count} files, at most {MOST_ENTRIES}. File in parts.",
        )


def _refuse_large(size: int, source: str) -> None:
    limit = settings().largest_file_mb
    if size > limit * 1_000_000:
        raise FilingError(
            f"{source}：内容共 {size // 1_000_000} MB，上限 {limit} MB。请分批报送。",
            f"{source}: holds {size // 1_000_000} MB, at most {limit} MB. File in parts.",
        )
