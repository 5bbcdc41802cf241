"""Copies of a release for readers elsewhere: the whole of it, or only what the public may see."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from expectations.compile import sql_text
from expectations.spec import load_standard
from ingest.disclosure import PUBLIC_SCHEMA
from ingest.errors import UsageError
from ingest.paths import temporary_beside, write_text
from ingest.release import dictionary
from ingest.release.describe import describe
from ingest.release.descriptions import CITATION, CODE_LISTS, COLUMNS, DICTIONARY
from ingest.release.folder import CHECKSUMS, DATABASE, MANIFEST, as_json, find_release, manifest_of, yanked
from ingest.release.publish import checksums
from ingest.release.tables import parquet_name, released_tables


def export(release_id: str, out: Path) -> list[str]:
    """Copy a release as it is, for accredited researchers; return the names of its files.

    Raises:
        UsageError: there is no such release, or something stands at `out` already.
    """
    folder = find_release(release_id)
    with _made_whole(out) as temporary:
        shutil.copytree(folder, temporary, dirs_exist_ok=True)
    return _names(out)


def export_public(release_id: str, out: Path) -> list[str]:
    """Write the public tables of a release with their dictionary and checksums; return the names of the files.

    Nothing else comes along: the manifest of the full release names filings, and its other tables single deals.

    Raises:
        UsageError: there is no such release, it has no public tables or was yanked, or something stands at `out`.
    """
    folder = find_release(release_id)
    mark = yanked(folder.name)
    if mark:
        raise UsageError(
            f"发布 {folder.name} 已撤回，不再对外提供：{mark['reason']}",
            f"Release {folder.name} was yanked and is not handed out any more: {mark['reason']}",
        )
    with _made_whole(out) as temporary, duckdb.connect(":memory:", config={"threads": 1}) as con:
        con.execute(f"attach {sql_text(str(folder / DATABASE))} as release (read_only)")
        names = [each for each in released_tables(con, "release") if each[0] == PUBLIC_SCHEMA]
        if not names:
            raise UsageError(f"发布 {folder.name} 没有公开表。", f"Release {folder.name} has no public tables.")
        tables = describe(con, names, load_standard())
        for schema, table in names:
            target = temporary / parquet_name(schema, table)
            target.parent.mkdir(exist_ok=True)
            shutil.copyfile(folder / parquet_name(schema, table), target)
        manifest = manifest_of(folder)
        public = {each.name for each in tables}
        told = {key: manifest[key] for key in ("release", "as_of", "standard")}
        told["tables"] = [table for table in manifest["tables"] if table["table"] in public]
        write_text(temporary / MANIFEST, as_json(told))
        write_text(temporary / COLUMNS, dictionary.columns_csv(tables))
        write_text(temporary / DICTIONARY, dictionary.page(tables, load_standard()))
        for name in (CITATION, CODE_LISTS):
            shutil.copyfile(folder / name, temporary / name)
        write_text(temporary / CHECKSUMS, checksums(temporary))
    return _names(out)


@contextmanager
def _made_whole(out: Path) -> Iterator[Path]:
    """A folder that stands at `out` when it is whole, and leaves nothing when it fails."""
    if out.exists():
        raise UsageError(f"{out} 已存在。", f"{out} exists already.")
    temporary = temporary_beside(out)
    temporary.mkdir(parents=True)
    try:
        yield temporary
        temporary.rename(out)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
