"""The bytes as filed: their digest, by which they are kept, and the place where they lie."""

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from ingest.errors import StorageError
from ingest.paths import file_digest, home


def content_digest(path: Path) -> str:
    """SHA-256 of a file's bytes; of a folder, of its files' names and digests, so that any changed byte changes it.

    A link counts as the text of its target and is never followed.
    """
    return folder_digest(folder_entries(path)) if is_folder(path) else _entry_digest(path)


def is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def folder_entries(folder: Path) -> Iterator[tuple[str, str]]:
    """(name within the folder, digest) of every file and link in it, in the order in which they are digested."""
    for file in sorted(each for each in folder.rglob("*") if each.is_symlink() or not each.is_dir()):
        yield file.relative_to(folder).as_posix(), _entry_digest(file)


def folder_digest(entries: Iterable[tuple[str, str]]) -> str:
    """SHA-256 over one line an entry: name, NUL, digest in hex, line feed."""
    digest = hashlib.sha256()
    for name, sha256 in entries:
        digest.update(f"{name}\0{sha256}\n".encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def landed_entry(sha256: str) -> Path:
    """The filing as it was filed: the one file or folder that lies under its digest."""
    try:
        (entry,) = home().landed(sha256).iterdir()
    except (OSError, ValueError) as error:
        raise _not_as_filed(sha256) from error
    return entry


def intact_entry(sha256: str) -> Path:
    """The same, after its bytes were read again.

    Raises:
        StorageError: they are no longer those that were filed; whatever would be said of them, nobody filed that.
    """
    entry = landed_entry(sha256)
    if content_digest(entry) != sha256:
        raise _not_as_filed(sha256)
    return entry


def _not_as_filed(sha256: str) -> StorageError:
    place = home().landed(sha256)
    return StorageError(
        f"{place} 缺失或已不是报送时的内容。请从备份恢复该目录，然后重新运行。",
        f"{place} is missing or no longer holds the bytes as filed. Restore it from a backup, then run again.",
    )


def is_special(path: Path) -> bool:
    """Whether it is a pipe, a socket or a device: opening it may wait for ever, and it holds no bytes to keep."""
    return stat.S_IFMT(path.lstat().st_mode) not in (stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK)


def _entry_digest(path: Path) -> str:
    if path.is_symlink():
        return hashlib.sha256(b"link\0" + os.fsencode(os.readlink(path))).hexdigest()
    if is_special(path):
        raise StorageError(
            f"{path.name} 是管道、套接字或设备，不是文件。请将其移出收件目录。",
            f"{path.name} is a pipe, a socket or a device, no file. Take it out of the inbox.",
        )
    try:
        return file_digest(path)
    except OSError as error:
        raise StorageError(
            f"无法读取 {path.name}：{error.strerror}", f"{path.name} cannot be read: {error.strerror}"
        ) from error
