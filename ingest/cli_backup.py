"""`npl backup`, `npl backups` and `npl restore`."""

from collections.abc import Iterable
from typing import Annotated

import typer

from ingest.cli_standard import EXIT_DONE, EXIT_FINDINGS
from ingest.config import settings
from ingest.errors import UsageError

Target = Annotated[
    str | None,
    typer.Argument(help="目录或 s3://桶/前缀，默认 NPL_BACKUP_TARGET · folder or s3://bucket/prefix"),
]
BackupId = Annotated[str | None, typer.Option("--backup", help="备份编号，默认最新 · backup id, default the newest")]


def backup(
    target: Target = None,
    with_keys: Annotated[
        bool, typer.Option("--with-keys", help="连同签名私钥 · with the private keys that sign: guard it like them")
    ] = False,
) -> None:
    """备份（平台可继续运行）· Back the platform up; it may go on working."""
    from ingest.backup import back_up

    made = back_up(_named(target), with_keys)
    typer.echo(
        f"{made.backup_id}: {made.filings} 份报送 filings, {made.files} 个文件 files, "
        f"{made.bytes / 1e6:.1f} MB；{'含 with' if with_keys else '不含 without'} 私钥 private keys"
    )
    _end(made.problems)


def backups(
    target: Target = None,
    verify: Annotated[bool, typer.Option("--verify", help="读出并核对每个字节 · read and check every byte")] = False,
) -> None:
    """所有备份 · All backups of a place, oldest first."""
    from ingest.backup import BackupStore

    store = BackupStore(_named(target))
    damaged: dict[str, bool] = {}
    problems = []
    for backup_id in store.backups():
        manifest = store.manifest(backup_id)
        typer.echo(f"{backup_id}\t{len(manifest['files'])} files\tregistry {manifest['registry']['revision']}")
        for entry in (*manifest["files"], *manifest["registry"]["tables"].values()) if verify else ():
            sha256 = entry.get("sha256")
            if sha256 and sha256 not in damaged:
                damaged[sha256] = not store.is_intact(sha256)
            if damaged.get(sha256):
                name = entry.get("path", sha256)
                problems.append((f"{backup_id}：{name} 缺失或已损坏", f"{backup_id}: {name} is missing or damaged"))
    _end(problems)


def restore(target: Target = None, backup_id: BackupId = None) -> None:
    """恢复到空的 NPL_HOME 和登记库，并与日志核对 · Restore into an empty home and registry, and check it by the log."""
    from ingest.backup import restore as put_back

    done = put_back(_named(target), backup_id)
    typer.echo(
        f"{done.backup_id}: {done.filings} 份报送 filings, {done.decisions} 项裁定 decisions, {done.files} 个文件 files"
    )
    typer.echo("市场库请重建：npl run，或触发 build_warehouse · Build the warehouse again: npl run, or its DAG.")
    _end(done.problems)


def _named(target: str | None) -> str:
    named = target or settings().backup_target
    if not named:
        raise UsageError(
            "请指定备份位置，或设置 NPL_BACKUP_TARGET。", "Name where backups are, or set NPL_BACKUP_TARGET."
        )
    return named


def _end(problems: Iterable[tuple[str, str]]) -> None:
    found = list(problems)
    for zh, en in found:
        typer.echo(f"{zh}\t{en}")
    raise typer.Exit(EXIT_FINDINGS if found else EXIT_DONE)
