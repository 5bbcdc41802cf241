"""Receiving: what lies in the inbox is landed by content, registered once, and then leaves the inbox.

Killed between any two steps, the next run goes on: landing is by content and renamed into place, registering the same
bytes twice is refused by the registry, and the inbox is cleared last.
"""

import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from expectations.findings import mask
from expectations.spec import Standard, load_standard
from ingest import registry
from ingest.errors import FilingError, StorageError
from ingest.manifest import Manifest
from ingest.paths import file_digest, home, temporary_beside
from ingest.read import read_manifest

NOT_YET_WHOLE = (".part", ".tmp", ".filepart")


def receive_waiting() -> list[str]:
    """Take in everything that waits in the inbox; return the ids of all filings that still need a verdict."""
    with _turn():
        for folder, entry in waiting():
            receive(entry, folder)
            _clear(entry)
    return [record.filing_id for record in registry.undecided()]


@contextmanager
def _turn() -> Iterator[None]:
    """One process at a time empties the inbox: another's half-cleared folder would look like a filing of its own.

    The lock is the kernel's, so it goes with a process that is killed.
    """
    home().inbox.mkdir(parents=True, exist_ok=True)
    with (home().inbox / ".lock").open("a", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def waiting() -> Iterator[tuple[str, Path]]:
    """(institution's folder, entry) of everything in the inbox that is whole, in a fixed order."""
    inbox = home().inbox
    if not inbox.is_dir():
        return
    for folder in sorted(path for path in inbox.iterdir() if path.is_dir()):
        for entry in sorted(folder.iterdir()):
            if not entry.name.startswith(".") and not entry.name.endswith(NOT_YET_WHOLE):
                yield folder.name, entry


def receive(path: Path, folder: str) -> str:
    """Land and register one filing that came through an institution's folder; return its id (known bytes keep theirs).

    Raises:
        StorageError: it cannot be copied or registered; the entry stays in the inbox.
    """
    sha256 = content_digest(path)
    known = registry.find_by_content(folder, sha256)
    if known is not None:
        return known.filing_id
    landed = _land(path, sha256)
    standard = load_standard()
    record = {
        "folder": folder,
        "name": mask(standard, path.name),
        "sha256": sha256,
        "received_at": registry.utc_now(),
        **_identity(landed, folder, sha256, standard),
    }
    registry.register(record)
    found = registry.find_by_content(folder, sha256)
    assert found is not None
    return found.filing_id


def content_digest(path: Path) -> str:
    """SHA-256 of a file's bytes; of a folder, of its files' names and digests, so that any changed byte changes it.

    A link counts as the text of its target and is never followed.
    """
    if not path.is_dir() or path.is_symlink():
        return _entry_digest(path)
    digest = hashlib.sha256()
    for file in sorted(each for each in path.rglob("*") if each.is_symlink() or not each.is_dir()):
        digest.update(
            f"{file.relative_to(path).as_posix()}\0{_entry_digest(file)}\n".encode("utf-8", "surrogateescape")
        )
    return digest.hexdigest()


def _entry_digest(path: Path) -> str:
    if path.is_symlink():
        return hashlib.sha256(b"link\0" + os.fsencode(os.readlink(path))).hexdigest()
    try:
        return file_digest(path)
    except OSError as error:
        raise StorageError(
            f"无法读取 {path.name}：{error.strerror}", f"{path.name} cannot be read: {error.strerror}"
        ) from error


def _land(path: Path, sha256: str) -> Path:
    """Keep the bytes as filed under their digest; return the landed file or folder."""
    place = home().landed(sha256)
    if not place.exists():
        temporary = temporary_beside(place)
        temporary.mkdir()
        try:
            if path.is_dir() and not path.is_symlink():
                shutil.copytree(path, temporary / path.name, symlinks=True)
            else:
                shutil.copy2(path, temporary / path.name, follow_symlinks=False)
            os.rename(temporary, place)
        except OSError as error:
            shutil.rmtree(temporary, ignore_errors=True)
            if not place.exists():  # else another worker landed the same bytes first
                raise StorageError(
                    f"无法保存 {path.name}：{error.strerror}", f"{path.name} cannot be kept: {error.strerror}"
                ) from error
    return landed_entry(sha256)


def landed_entry(sha256: str) -> Path:
    """The filing as it was filed: the one file or folder that lies under its digest."""
    (entry,) = home().landed(sha256).iterdir()
    return entry


def _identity(landed: Path, folder: str, sha256: str, standard: Standard) -> dict[str, object]:
    """Who files what, from filing.json; of a filing without a readable one only the folder is known."""
    try:
        manifest = read_manifest(landed, standard)
    except FilingError:
        return {"filing_id": f"{folder}-unreadable-{sha256[:8]}", "institution_id": folder, "subject_id": folder}
    return {
        "filing_id": filing_id_of(manifest, sha256),
        "institution_id": manifest.institution,
        "subject_id": manifest.about,
        "period": manifest.period,
        "sequence": manifest.sequence,
        "kind": manifest.kind,
        "replaces": mask(standard, manifest.replaces),
    }


def filing_id_of(manifest: Manifest, sha256: str) -> str:
    """`<institution>[-<subject>]-<period>-<sequence>-<first 8 of the digest>`: readable, and other for other bytes."""
    about = f"-{manifest.subject}" if manifest.subject and manifest.subject != manifest.institution else ""
    return f"{manifest.institution}{about}-{manifest.period}-{manifest.sequence:04d}-{sha256[:8]}"


def _clear(entry: Path) -> None:
    if entry.is_dir() and not entry.is_symlink():
        shutil.rmtree(entry)
    else:
        entry.unlink()
