"""When is something in the inbox whole? Uploads go on while the inbox is looked through."""

import datetime
import os
import unicodedata
import zipfile
from pathlib import Path

from ingest.config import settings
from ingest.errors import FilingError, legible
from ingest.landing import is_special
from ingest.read.manifest_file import LARGEST_MANIFEST, parse_manifest
from ingest.read.members import MANIFEST_FILE

NOT_YET_WHOLE = (".part", ".tmp", ".filepart")


def is_ready(entry: Path, now: datetime.datetime) -> bool:
    """Whether an entry of an institution's inbox can be taken in at this moment (UTC, without zone).

    Taken at once: a ZIP or workbook, since it ends with its table of contents, and a folder with every file that its
    `filing.json` names. What shows no end is taken, and its fault told, when nothing of it has changed for
    `settings().settle_seconds`. What is called `.part` and the like is never taken: its sender will rename it.
    """
    if entry.name.startswith(".") or _is_named_unfinished(entry):
        return False
    try:
        return _shows_its_end(entry) or last_change(entry) <= now - datetime.timedelta(
            seconds=settings().settle_seconds
        )
    except FileNotFoundError:  # its sender has just renamed or removed a file
        return False


def _shows_its_end(entry: Path) -> bool:
    if entry.is_symlink() or is_special(entry):
        return True
    if not entry.is_dir():
        return zipfile.is_zipfile(entry)
    files = [file for file in entry.rglob("*") if not file.is_dir()]
    if any(map(is_special, files)):
        return True  # no more can come of it: the operator is told
    manifests = [file for file in files if file.name == MANIFEST_FILE and not file.is_symlink()]
    if len(manifests) != 1 or any(map(_is_named_unfinished, files)):
        return False
    try:
        with manifests[0].open("rb") as file:
            manifest = parse_manifest(file.read(LARGEST_MANIFEST + 1))
    except (FilingError, PermissionError):
        return False
    beside = {_plain(legible(os.path.relpath(file, manifests[0].parent))) for file in files}
    return all(_plain(table.file) in beside for table in manifest.tables)


def _is_named_unfinished(path: Path) -> bool:
    return path.name.lower().endswith(NOT_YET_WHOLE)


def _plain(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def last_change(entry: Path) -> datetime.datetime:
    """By the file system's own mark: senders may set the time of modification to that of their file."""
    changes = [each.lstat().st_ctime for each in (entry, *entry.rglob("*"))]
    return datetime.datetime.fromtimestamp(max(changes), datetime.UTC).replace(tzinfo=None)
