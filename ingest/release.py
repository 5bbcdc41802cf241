"""Releases: what researchers cite. A folder that never changes; `latest.json` moves last.

A release's id is the day of the last decision that it knows of and a digest of what it was made from: the same filings
make the same release, and publishing twice changes nothing.
"""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import duckdb

from expectations.spec import load_standard
from ingest import registry, registry_tables, warehouse
from ingest.config import PROJECT_DIR
from ingest.errors import StorageError, UsageError
from ingest.paths import file_digest, home, temporary_beside, write_text

RELEASED_SCHEMAS = ("core", "market", "quality")
STORAGE_VERSION = "v1.4.0"  # older DuckDBs and duckdb-wasm can open it
MANIFEST = "manifest.json"
DATABASE = "npl.duckdb"


def publish() -> str:
    """Freeze the warehouse as a release, unless the same one exists; return its id.

    Raises:
        StorageError: there is no warehouse, or the folder cannot be written.
    """
    if not home().warehouse.exists():
        raise StorageError(
            "尚无市场库，请先运行 build_warehouse。", "There is no warehouse yet: run build_warehouse first."
        )
    inputs = warehouse.inputs_digest()
    states = registry.rows_of(registry_tables.states)
    as_of = max((row["at"] for row in states), default=None)
    release_id = f"{as_of:%Y-%m-%d}-{inputs[:8]}" if as_of else f"empty-{inputs[:8]}"
    target = home().release(release_id)
    if not target.exists():
        temporary = temporary_beside(target)
        temporary.mkdir()
        try:
            _write(temporary, release_id, inputs, as_of.isoformat() + "Z" if as_of else None)
            temporary.rename(target)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    write_text(home().latest_release, _json({"release": release_id}))
    return release_id


def _write(folder: Path, release_id: str, inputs: str, as_of: str | None) -> None:
    tables = _copy_tables(folder)
    standard = load_standard()
    files = {path.relative_to(folder).as_posix(): path for path in sorted(folder.rglob("*")) if path.is_file()}
    write_text(
        folder / MANIFEST,
        _json(
            {
                "release": release_id,
                "as_of": as_of,
                "inputs_sha256": inputs,
                "standard": {"versions": list(standard.version_names), "sha256": standard.sha256},
                "code_commit": _commit(),
                "filings_in_force": sorted(record.filing_id for record in registry.in_force()),
                "tables": tables,
                "files": {
                    name: {"bytes": path.stat().st_size, "sha256": file_digest(path)} for name, path in files.items()
                },
            }
        ),
    )


def _copy_tables(folder: Path) -> list[dict[str, Any]]:
    """Every mart as Parquet and in one DuckDB file, rows in a fixed order; return name, rows and file of each."""
    copied = []
    with duckdb.connect(":memory:") as con:
        con.execute(f"attach '{_quoted(home().warehouse)}' as warehouse (read_only)")
        con.execute(f"attach '{_quoted(folder / DATABASE)}' as release (storage_version '{STORAGE_VERSION}')")
        for schema, table in released_tables(con, "warehouse"):
            if (folder / schema).exists() is False:
                (folder / schema).mkdir()
                con.execute(f"create schema release.{schema}")
            con.execute(
                f"create table release.{schema}.{table} as select * from warehouse.{schema}.{table} order by all"
            )
            _copy_comments(con, schema, table)
            file = f"{schema}/{table}.parquet"
            con.execute(
                f"copy (select * from release.{schema}.{table} order by all) to '{_quoted(folder / file)}' "
                "(format parquet, compression zstd)"
            )
            ((rows,),) = con.execute(f"select count(*) from release.{schema}.{table}").fetchall()
            copied.append({"table": f"{schema}.{table}", "rows": rows, "file": file})
        con.execute("detach release")
    if not copied:
        raise StorageError("市场库中没有可发布的表。", "The warehouse holds no table to release.")
    return copied


def released_tables(con: duckdb.DuckDBPyConnection, database: str) -> list[tuple[str, str]]:
    """(schema, table) of what is released, by name; leaving out whatever else a database holds."""
    return con.execute(
        """
        select schema_name, table_name from duckdb_tables()
        where database_name = ? and schema_name in (select unnest(?))
        order by all""",
        [database, list(RELEASED_SCHEMAS)],
    ).fetchall()


def _copy_comments(con: duckdb.DuckDBPyConnection, schema: str, table: str) -> None:
    """Definitions stand where the columns are: table and column comments go with the data."""
    place = ["warehouse", schema, table]
    for (comment,) in con.execute(
        "select comment from duckdb_tables() where database_name = ? and schema_name = ? and table_name = ? "
        "and comment is not null",
        place,
    ).fetchall():
        con.execute(f"comment on table release.{schema}.{table} is '{_quoted(comment)}'")
    for column, comment in con.execute(
        "select column_name, comment from duckdb_columns() where database_name = ? and schema_name = ? "
        "and table_name = ? and comment is not null",
        place,
    ).fetchall():
        con.execute(f"comment on column release.{schema}.{table}.{column} is '{_quoted(comment)}'")


def list_releases() -> list[dict[str, Any]]:
    """The manifests of all releases, oldest first."""
    folders = sorted(home().releases.glob(f"*/{MANIFEST}")) if home().releases.exists() else []
    manifests = [
        json.loads(path.read_text(encoding="utf-8")) for path in folders if not path.parent.name.startswith(".")
    ]
    return sorted(manifests, key=lambda manifest: (manifest["as_of"] or "", manifest["release"]))


def find_release(release_id: str | None) -> Path:
    """The folder of a release; of the latest when none is named.

    Raises:
        UsageError: there is no such release.
    """
    if release_id is None:
        if not home().latest_release.exists():
            raise UsageError("还没有任何发布，请先运行 npl run。", "There is no release yet: run `npl run` first.")
        release_id = json.loads(home().latest_release.read_text(encoding="utf-8"))["release"]
    folder = home().release(str(release_id))
    if "/" in str(release_id) or not (folder / MANIFEST).is_file():
        raise UsageError(f"没有发布 {release_id}。", f"There is no release {release_id}.")
    return folder


def verify(release_id: str | None) -> list[tuple[str, str]]:
    """(zh, en) of everything in a release that is not as its manifest says; empty when every byte is."""
    folder = find_release(release_id)
    listed = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["files"]
    present = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} - {MANIFEST}
    problems = [(f"{name}：缺失", f"{name}: missing") for name in sorted(set(listed) - present)]
    problems += [(f"{name}：不在清单中", f"{name}: not in the manifest") for name in sorted(present - set(listed))]
    for name in sorted(present & set(listed)):
        if file_digest(folder / name) != listed[name]["sha256"]:
            problems.append((f"{name}：内容已改变", f"{name}: changed"))
    return problems


def query(sql: str, release_id: str | None) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Column names and rows of a SELECT over a release. Nothing can be written, read from elsewhere, or loaded.

    Raises:
        UsageError: the SQL cannot be run.
    """
    database = find_release(release_id) / DATABASE
    try:
        with duckdb.connect(
            str(database),
            read_only=True,
            config={
                "enable_external_access": False,
                "autoload_known_extensions": False,
                "autoinstall_known_extensions": False,
                "lock_configuration": True,
                "memory_limit": "2GB",
            },
        ) as con:
            cursor = con.execute(sql)
            names = [column[0] for column in cursor.description or []]
            return names, cursor.fetchall()
    except duckdb.Error as error:
        raise UsageError(f"SQL 无法执行：{error}", f"The SQL cannot be run: {error}") from error


def _commit() -> str | None:
    """The commit of the code that made the release; null outside a checkout."""
    found = subprocess.run(
        ["git", "-C", str(PROJECT_DIR), "rev-parse", "HEAD"], capture_output=True, text=True, check=False
    )
    return found.stdout.strip() or None


def _quoted(text: Path | str) -> str:
    return str(text).replace("'", "''")


def _json(content: Any) -> str:
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"
