"""Verify a release: that no byte of it changed, that nothing is missing or added, and that its log verifies."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb

from ingest.paths import file_digest
from ingest.receipts import release_log
from ingest.release.folder import (
    CHECKSUMS,
    DATABASE,
    MANIFEST,
    OUTSIDE_THE_MANIFEST,
    find_release,
    list_releases,
)
from ingest.release.publish import checksums
from ingest.release.tables import content_digest, released_tables

Problem = tuple[str, str]


def verify(release_id: str | None) -> list[Problem]:
    """(zh, en) of all that is not as it was published, and of how the log fails to verify; empty when all is well.

    Every byte is compared with SHA256SUMS; beyond that, the files that can be made again with the manifest, and the
    rows in the database with the digests there.
    """
    folder = find_release(release_id)
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
        return [
            *_bytes_problems(folder),
            *_file_problems(folder, manifest["files"]),
            *_database_problems(folder / DATABASE, manifest["tables"]),
            *release_log.release_log_problems(
                folder, manifest, [other for other in list_releases() if other["release"] != folder.name]
            ),
        ]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        return [*_bytes_problems(folder), (f"{MANIFEST}：无法读取：{error!r}", f"{MANIFEST}: unreadable: {error!r}")]


def _bytes_problems(folder: Path) -> list[Problem]:
    """What SHA256SUMS must say now, against what it says."""
    try:
        said = (folder / CHECKSUMS).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return [(f"{CHECKSUMS}：缺失或无法读取", f"{CHECKSUMS}: missing or unreadable")]
    expected = checksums(folder)
    if said == expected:
        return []
    was, now = _by_name(said), _by_name(expected)
    problems = [_missing(name) for name in sorted(was.keys() - now.keys())]
    problems += [_extra(name) for name in sorted(now.keys() - was.keys())]
    problems += [_changed(name) for name in sorted(was.keys() & now.keys()) if was[name] != now[name]]
    return problems or [_changed(CHECKSUMS)]


def _by_name(text: str) -> dict[str, str]:
    return {name: digest for digest, _, name in (line.partition("  ") for line in text.splitlines())}


def _file_problems(folder: Path, listed: Mapping[str, Any]) -> list[Problem]:
    """What the manifest says of files, against what is there."""
    present = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    names = listed.keys() | OUTSIDE_THE_MANIFEST
    problems = [_missing(name) for name in sorted(names - present)]
    problems += [_extra(name) for name in sorted(present - names)]
    for name in sorted(present & listed.keys()):
        told = {"bytes": (folder / name).stat().st_size, "sha256": file_digest(folder / name)}
        if told != listed[name]:
            problems.append(_changed(name))
    return problems


def _database_problems(database: Path, tables: list[Mapping[str, Any]]) -> list[Problem]:
    """What the manifest says of tables, against the rows in the database."""
    try:
        with duckdb.connect(str(database), read_only=True) as con:
            present = {f"{schema}.{table}" for schema, table in released_tables(con, database.stem)}
            listed = {table["table"]: table["content_sha256"] for table in tables}
            wrong = sorted(present ^ listed.keys()) + [
                name for name in sorted(present & listed.keys()) if content_digest(con, name) != listed[name]
            ]
    except duckdb.Error as error:
        return [(f"{DATABASE}：无法读取：{error}", f"{DATABASE}: unreadable: {error}")]
    return [(f"{DATABASE}：{name} 的数据与清单不符", f"{DATABASE}: rows of {name} are not as listed") for name in wrong]


def _missing(name: str) -> Problem:
    return f"{name}：缺失", f"{name}: missing"


def _extra(name: str) -> Problem:
    return f"{name}：不属于该发布", f"{name}: not part of the release"


def _changed(name: str) -> Problem:
    return f"{name}：内容已改变", f"{name}: changed"
