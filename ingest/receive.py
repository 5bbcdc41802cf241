"""Receiving: what lies in the inbox is landed by content, registered once, and then leaves the inbox.

Killed between any two steps, the next run goes on: landing is by content and renamed into place, registering the same
bytes twice is refused by the registry, and the inbox is cleared last.
"""

import datetime
import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from expectations.findings import mask
from expectations.spec import Standard, load_standard
from ingest import registry, telemetry
from ingest.errors import FilingError, StorageError, cannot_write, legible
from ingest.inbox import is_ready, last_change
from ingest.landing import content_digest, is_folder, landed_entry
from ingest.manifest import Manifest
from ingest.paths import exclusive, home, make_home, remove_temporaries, temporary_beside
from ingest.receipts.issue import write_missing_receipts
from ingest.worksheet import filed_manifest

log = logging.getLogger(__name__)

CLEARED = "cleared"


def receive_waiting() -> list[str]:
    """Take in everything that waits in the inbox; return the ids of all filings that still need a verdict.

    An entry that cannot be taken in stays where it is and is logged: the other institutions do not wait for its repair.

    Raises:
        StorageError: an entry cannot be taken in, and there is nothing else to go on with; or the registry is at fault.
    """
    failed: StorageError | None = None
    with telemetry.work("receive"):
        with telemetry.step("take_in"), receiving():
            for folder, entry in waiting():
                try:
                    _take_in(entry, folder)
                except StorageError as error:
                    failed = error
                    log.error("%s/%s: %s", folder, legible(entry.name), error)
        telemetry.writes(telemetry.Dataset("landing"))
        with telemetry.step("missing_receipts"):
            write_missing_receipts()
        undecided = [record.filing_id for record in registry.undecided()]
    if failed and not undecided:
        raise failed
    return undecided


def _take_in(entry: Path, folder: str) -> None:
    try:
        _receive(entry, folder)
        _clear(entry)
    except OSError as error:
        # who drops a file names it as they like
        raise cannot_write(error, mask(load_standard(), legible(str(entry)))) from None


def waiting() -> Iterator[tuple[str, Path]]:
    """(institution's folder, entry) of everything in the inbox that is whole, in a fixed order."""
    now = registry.utc_now()
    for folder, entry in _entries():
        if is_ready(entry, now):
            yield folder, entry


def incomplete() -> Iterator[tuple[str, Path, datetime.datetime]]:
    """(institution's folder, entry, last change) of everything in the inbox that is not whole, or cannot be told."""
    now = registry.utc_now()
    for folder, entry in _entries():
        if not entry.name.startswith(".") and not is_ready(entry, now):
            try:
                yield folder, entry, last_change(entry)
            except FileNotFoundError:  # its sender has just renamed or removed it
                continue


def _entries() -> Iterator[tuple[str, Path]]:
    inbox = home().inbox
    if inbox.is_dir():
        for folder in sorted(path for path in inbox.iterdir() if path.is_dir()):
            for entry in sorted(folder.iterdir()):
                yield folder.name, entry


def receive(path: Path, folder: str) -> str:
    """Land and register one filing that came through an institution's folder; return its id (known bytes keep theirs).

    Raises:
        StorageError: it cannot be copied or registered; the entry stays in the inbox.
    """
    with receiving():
        return _receive(path, folder)


@contextmanager
def receiving() -> Iterator[None]:
    """One process receives at a time, and first removes what one that was killed has left."""
    try:
        make_home()
        with exclusive(home().inbox / ".lock"):
            for folder in home().inbox.glob("*/"):
                remove_temporaries(folder, CLEARED)
            remove_temporaries(home().landing)
            yield
    except OSError as error:
        raise cannot_write(error, home().root) from error


def _receive(path: Path, folder: str) -> str:
    sha256 = content_digest(path)
    known = registry.find_by_content(folder, sha256)
    if known is not None:
        return known.filing_id
    landed = _land(path, sha256)
    standard = load_standard()
    record = {
        "folder": folder,
        "name": mask(standard, legible(path.name)),
        "sha256": sha256,
        "received_at": registry.utc_now(),
        **_identity(landed, folder, sha256, standard),
    }
    registry.register(record)
    found = registry.find_by_content(folder, sha256)
    assert found is not None
    return found.filing_id


def _land(path: Path, sha256: str) -> Path:
    """Keep the bytes as filed under their digest; return the landed file or folder."""
    place = home().landed(sha256)
    if not place.exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        temporary = temporary_beside(home().landing / sha256)
        temporary.mkdir()
        try:
            if is_folder(path):
                shutil.copytree(path, temporary / path.name, symlinks=True)
            else:
                shutil.copy2(path, temporary / path.name, follow_symlinks=False)
            os.rename(temporary, place)
        except OSError as error:
            shutil.rmtree(temporary, ignore_errors=True)
            raise cannot_write(error, home().landing) from error
    return landed_entry(sha256)


def _identity(landed: Path, folder: str, sha256: str, standard: Standard) -> dict[str, object]:
    """Who files what, from filing.json; of a filing without a readable one only the folder is known."""
    try:
        manifest = filed_manifest(landed, standard, folder)
    except FilingError:
        return {"filing_id": f"{folder}-unreadable-{sha256[:8]}", "institution_id": folder, "subject_id": folder}
    return {
        "filing_id": filing_id_of(manifest, sha256, folder),
        # whose folder it came through is certain; what it says of itself is not, and no one else answers for it
        "institution_id": folder,
        "subject_id": manifest.about,
        "period": manifest.period,
        "sequence": manifest.sequence,
        "kind": manifest.kind,
        "replaces": mask(standard, manifest.replaces),
    }


def filing_id_of(manifest: Manifest, sha256: str, folder: str) -> str:
    """`<institution>[-<subject>]-<period>-<sequence>-<first 8 of the digest>`: readable, and other for other bytes.

    The folder leads when it is not the institution's: the same bytes through another's folder are another filing.
    """
    names = "-".join(dict.fromkeys((folder, manifest.institution, manifest.about)))
    return f"{names}-{manifest.period}-{manifest.sequence:04d}-{sha256[:8]}"


def _clear(entry: Path) -> None:
    """Take an entry out of the inbox at once: half a folder that a kill leaves would look like a filing of its own."""
    cleared = temporary_beside(entry.with_name(CLEARED))
    entry.rename(cleared)
    if is_folder(cleared):
        shutil.rmtree(cleared)
    else:
        cleared.unlink()
