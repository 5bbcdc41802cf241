"""Put a backup into an empty home and an empty registry, and prove that what stands there is what was signed.

Files first, the registry last: broken off, it can be run again, and until the registry is filled nothing counts.
"""

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow.parquet as pq

from ingest import registry, registry_tables
from ingest.backup.make import KEYS, PRIVATE, SFTP_KEYS, Problem
from ingest.backup.registry_copy import fill, refuse_unless_empty
from ingest.backup.store import BackupStore
from ingest.errors import StorageError, UsageError, cannot_write
from ingest.paths import file_digest, home, keys_dir, scratch, sftp_keys_dir
from ingest.receipts.audit import kept_checkpoints, log_problems
from ingest.receipts.issue import write_missing_receipts
from ingest.receipts.keys import published_keys
from ingest.receipts.verify import signed_checkpoint

OWNER_ONLY, AS_USUAL = 0o600, 0o666


@dataclass(frozen=True)
class Restored:
    """What was put back, and (zh, en) of all that is not as registry and log say it should be."""

    backup_id: str
    files: int
    filings: int
    decisions: int
    problems: list[Problem]


def restore(target: str, backup_id: str | None = None) -> Restored:
    """Restore a backup, by default the newest; what the registry and the log say of it is then checked.

    Raises:
        UsageError: no such backup; or home or registry hold something that is not of this backup: nothing was changed.
        StorageError: an object of the backup is missing or damaged, or something cannot be written; run it again.
    """
    store = BackupStore(target)
    manifest = store.manifest(backup_id)
    try:
        _refuse_unless_free(manifest)
        for entry in manifest["files"]:
            _put_back(store, entry)
        with scratch() as work:
            files = {name: work / f"{name}.parquet" for name in manifest["registry"]["tables"]}
            for name, file in files.items():
                store.fetch(manifest["registry"]["tables"][name]["sha256"], file)
            fill(manifest["registry"]["revision"], files)
    except OSError as error:
        raise cannot_write(error, error.filename or home().root) from error
    problems = list(_problems(manifest))
    return Restored(
        manifest["backup"], len(manifest["files"]), len(registry.all_filings()), registry.log_size(), problems
    )


def _refuse_unless_free(manifest: Mapping[str, Any]) -> None:
    with registry.unprepared() as connection:
        refuse_unless_empty(connection)
    of_backup = {_place(entry["path"]): entry for entry in manifest["files"]}
    zones = home()
    for zone in (
        zones.inbox,
        zones.landing,
        zones.accepted,
        zones.held,
        zones.outbox,
        zones.register,
        zones.releases,
        zones.replays,
    ):
        for path in zone.rglob("*"):
            if path.is_dir() or (path.parent == zone and path.name.startswith(".")):  # a lock, a mark
                continue
            entry = of_backup.get(path, {})
            same = (
                os.readlink(path) == entry.get("link")
                if path.is_symlink()
                else file_digest(path) == entry.get("sha256")
            )
            if not same:
                raise UsageError(
                    f"{path} 不属于该备份。只能恢复到新的 NPL_HOME。",
                    f"{path} is not of this backup. A restore needs a new NPL_HOME.",
                )


def _place(name: str) -> Path:
    """Where a file of a backup belongs; the keys may lie outside the home.

    Raises:
        StorageError: outside of all that is ours.
    """
    parts = PurePosixPath(name).parts
    if ".." in parts or PurePosixPath(name).is_absolute():
        raise StorageError(f"备份清单中的路径无效：{name!r}。", f"The manifest names an impossible path: {name!r}.")
    for prefix, folder in ((SFTP_KEYS, sftp_keys_dir()), (KEYS, keys_dir())):
        if PurePosixPath(name).is_relative_to(prefix):
            return folder / PurePosixPath(name).relative_to(prefix)
    return home().root.joinpath(*parts)


def _put_back(store: BackupStore, entry: Mapping[str, Any]) -> None:
    place = _place(entry["path"])
    if entry.get("folder"):
        place.mkdir(parents=True, exist_ok=True)
    elif place.exists() or place.is_symlink():
        return  # put there by a try that was broken off; or a key that was kept apart, which the check below judges
    elif "link" in entry:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(entry["link"])
    else:
        store.fetch(entry["sha256"], place, OWNER_ONLY if place.suffix == PRIVATE else AS_USUAL)


def _problems(manifest: Mapping[str, Any]) -> Iterator[Problem]:
    """What the restored platform says against itself, and against the checkpoints of its releases and of the backup."""
    for filing_id in write_missing_receipts():
        yield f"{filing_id}：无法补写回执", f"{filing_id}: its receipt cannot be written"
    keys = published_keys().keys
    kept, problems = kept_checkpoints([], keys)
    yield from problems
    checkpoint = signed_checkpoint(manifest["checkpoint"] or "", keys)
    if checkpoint is None:
        yield "备份中没有由现有密钥签署的日志检查点", "the backup has no checkpoint of the log that our keys signed"
    else:
        kept[manifest["backup"]] = checkpoint
    yield from log_problems(kept, keys)
    yield from _row_problems()


def _row_problems() -> Iterator[Problem]:
    """Decisions whose number of accepted or held rows is not what lies in the zones."""
    found: dict[str, Counter[str]] = {}
    for zone in (home().accepted, home().held):
        found[zone.name] = Counter()
        for file in zone.glob("*/*/*/*.parquet"):
            found[zone.name][file.stem] += pq.read_metadata(file).num_rows
    for decision in registry.rows_of(registry_tables.decisions):
        for zone_name, column in ((home().accepted.name, "rows_accepted"), (home().held.name, "rows_held")):
            recorded = decision[column] if decision["verdict"] in registry.IN_FORCE else 0
            there = found[zone_name][decision["filing_id"]]
            if recorded != there:
                yield (
                    f"{decision['filing_id']}：{zone_name} 应有 {recorded} 行，实有 {there} 行",
                    f"{decision['filing_id']}: {there} rows in {zone_name}, {recorded} were decided",
                )
