"""Copy a platform that goes on working, so that no filing comes out half.

A decision is recorded when its rows and its answer are written, and a filing is registered when its bytes have landed:
the registry speaks last. So it is copied first, as of one moment, and then what it speaks for, which does not change
any more. What it does not speak for at that moment (the rows and answers of a filing that is being decided) stays out:
the restored platform decides it again.
"""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from ingest import migrations, registry
from ingest.backup.registry_copy import tables_of, write_tables
from ingest.backup.store import BackupStore
from ingest.config import settings
from ingest.errors import StorageError, UsageError, cannot_write
from ingest.landing import is_folder, is_special
from ingest.paths import CALENDAR, home, keys_dir, scratch, sftp_host_key, sftp_keys_dir
from ingest.receipts import merkle
from ingest.receipts.keys import PUBLIC_KEYS, signer
from ingest.receipts.keys import turn as keys_turn
from ingest.receipts.note import Checkpoint, sign
from ingest.receive import receiving, waiting

KEYS, SFTP_KEYS = "keys", "keys/sftp"
PRIVATE = ".key"

Problem = tuple[str, str]
Entry = dict[str, Any]


@dataclass
class Made:
    """A backup that stands: its id, what it holds, and (zh, en) of what should have been there and was not."""

    backup_id: str
    filings: int
    files: int
    bytes: int
    problems: list[Problem] = field(default_factory=list)


@dataclass(frozen=True)
class _Filing:
    """What the registry said of a filing at the moment of the copy."""

    filing_id: str
    folder: str
    sha256: str
    verdict: str | None


def back_up(target: str, with_keys: bool = False) -> Made:
    """Add a backup to a store, while the platform works or stands still.

    Args:
        target: a folder or `s3://bucket/prefix`.
        with_keys: also the private keys, by which whoever reads the backup can sign in the platform's name.

    Raises:
        UsageError: nothing was filed yet, or the target is none.
        StorageError: registry, home or store cannot be read or written; no backup was added.
    """
    try:
        return _back_up(BackupStore(target), with_keys)
    except OSError as error:
        raise cannot_write(error, error.filename or home().root) from error


def _back_up(store: BackupStore, with_keys: bool) -> Made:
    problems: list[Problem] = []
    # published before the registry's moment: none that knows of decisions which the copy does not know. What names the
    # latest is read before they are listed: it may name another by and by
    files = list(_kept(store, home().latest_release, home().root))
    releases = list(_releases())
    with scratch() as work, registry.unprepared() as connection:
        with receiving():  # nothing leaves the inbox before the registry's view stands
            revision = migrations.revision(connection)
            filings = _filings(connection) if revision else []
            at = registry.utc_now()
            files += _inbox(store)
        if not filings:
            raise UsageError("登记库中还没有报送，无可备份。", "The registry has no filing yet: nothing to back up.")
        checkpoint = _checkpoint(connection, problems)
        tables = {name: _put(store, file) | {"rows": rows} for name, file, rows in write_tables(connection, work)}
    spoken_for = _spoken_for(filings, problems)
    for path in (*spoken_for, *_visible(home().register), *releases, *_replays(), *_outbox()):
        files += _kept(store, path, home().root)
    with keys_turn():  # a rotation changes private and public part one after the other
        for path in _keys(with_keys):
            files += _kept(store, path, keys_dir(), KEYS)
    for path in _sftp_keys(with_keys):
        files += _kept(store, path, sftp_keys_dir(), SFTP_KEYS)
    backup_id = f"{at:%Y%m%dT%H%M%S%f}Z"
    manifest = {
        "code_commit": settings().code_commit or None,
        "registry": {"revision": revision, "tables": tables},
        "checkpoint": checkpoint,
        "with_keys": with_keys,
        "missing": [en for _, en in problems],
        "files": files,
    }
    store.add_manifest(backup_id, manifest)
    sizes = [each.get("bytes", 0) for each in (*files, *tables.values())]
    return Made(backup_id, len(filings), len(sizes), sum(sizes), problems)


def _inbox(store: BackupStore) -> Iterator[Entry]:
    """The institutions' folders, and what waits in them whole; an upload that goes on is its sender's to repeat."""
    for folder in _visible(home().inbox):
        yield from _kept(store, folder, home().root)
    for _, entry in waiting():
        try:
            kept = [each for path in _below(entry) for each in _kept(store, path, home().root)]
        except FileNotFoundError:  # its sender takes it away at this moment
            continue
        yield from kept


def _outbox() -> Iterator[Path]:
    """What institutions find beside the answers to their filings."""
    for folder in _visible(home().outbox):
        yield from (folder, folder / PUBLIC_KEYS, *_visible(folder / CALENDAR))


def _filings(connection: sa.Connection) -> list[_Filing]:
    """Every filing and its verdict, in the registry's present view."""
    tables = {table.name: table for table in tables_of(connection)}
    filings, decisions = tables["filings"].c, tables["decisions"].c
    query = (
        sa.select(filings.filing_id, filings.folder, filings.sha256, decisions.verdict)
        .join_from(tables["filings"], tables["decisions"], filings.filing_id == decisions.filing_id, isouter=True)
        .order_by(filings.filing_id)
    )
    return [_Filing(**row._mapping) for row in connection.execute(query)]


def _checkpoint(connection: sa.Connection, problems: list[Problem]) -> str | None:
    """The log in this view, signed: `npl receipt verify-log --checkpoint` takes a manifest. None without a key."""
    entries = {table.name: table for table in tables_of(connection)}["log_entries"].c
    latest: dict[int, bytes] = {}  # by level, the last complete subtree
    size = 0
    for row in connection.execute(sa.select(entries.leaf).order_by(entries.position)):
        hashes = merkle.completed_by(size, merkle.leaf_hash(row.leaf.encode()), lambda level, _: latest[level])
        latest.update(enumerate(hashes))
        size += 1
    try:
        key = signer()
    except StorageError as error:  # the data are worth a backup without it
        problems.append((error.zh, error.en))
        return None
    return sign(Checkpoint(key.name, size, merkle.root(size, lambda level, _: latest[level])), key)


def _spoken_for(filings: Iterable[_Filing], problems: list[Problem]) -> Iterator[Path]:
    """What the registry's rows promise: the bytes as filed; of decided filings also the answer, of those accepted the
    rows, whatever became of them later."""
    accepted = {each.filing_id for each in filings if each.verdict in registry.IN_FORCE}
    for sha256 in sorted({each.sha256 for each in filings}):
        yield from _all_of(home().landed(sha256), problems)
    for filing in filings:
        if filing.verdict is not None:
            yield from _all_of(home().answer(filing.folder, filing.filing_id), problems)
    for zone in (home().accepted, home().held):
        for file in sorted(zone.glob("*/*/*/[!.]*.parquet")):
            if file.stem in accepted:
                yield file


def _all_of(path: Path, problems: list[Problem]) -> Iterator[Path]:
    if path.exists():
        yield from _below(path)
    else:
        problems.append((f"{path} 缺失", f"{path} is missing"))


def _releases() -> Iterator[Path]:
    """Every file of all releases, and the marks of those that were yanked."""
    for path in _visible(home().releases):
        if path != home().latest_release:
            yield from _below(path)


def _replays() -> Iterator[Path]:
    """The plans of replays: the registry says which were approved, and by what digest."""
    for folder in _visible(home().replays):
        yield from _below(folder)


def _keys(with_private: bool) -> list[Path]:
    return [keys_dir() / PUBLIC_KEYS, *(sorted(keys_dir().glob(f"*{PRIVATE}")) if with_private else ())]


def _sftp_keys(with_private: bool) -> list[Path]:
    return [*_visible(sftp_keys_dir() / "institutions"), *([sftp_host_key()] if with_private else ())]


def _visible(folder: Path) -> list[Path]:
    """What lies in a folder, without locks and half-written files."""
    return sorted(folder.glob("[!.]*"))


def _below(path: Path) -> Iterator[Path]:
    """A file, or all that is in a folder, whatever its name; nothing of a pipe or device, which holds no bytes."""
    for each in sorted((path, *path.rglob("*")) if is_folder(path) else (path,)):
        if not is_special(each) and not (is_folder(each) and any(each.iterdir())):
            yield each


def _kept(store: BackupStore, path: Path, base: Path, prefix: str = "") -> Iterator[Entry]:
    """Put a file into the store; yield its entry of the manifest, and nothing when there is none.

    An entry has the file's place below its base, and `sha256` and `bytes`, or `link` (a text, never followed), or
    `folder`: true for one that has to be there even if nothing lies in it.
    """
    entry: Entry = {"path": "/".join(filter(None, (prefix, path.relative_to(base).as_posix())))}
    if path.is_symlink():
        yield entry | {"link": os.readlink(path)}
    elif path.is_dir():
        yield entry | {"folder": True}
    elif path.exists():
        yield entry | _put(store, path)


def _put(store: BackupStore, path: Path) -> Entry:
    with path.open("rb") as file:  # opened once: a file that is replaced meanwhile is kept as it was
        return store.put(file)
