"""`npl release` and `npl sql`: what was published, whether it is intact, what changed, and SQL over it."""

import json
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from ingest.cli_standard import EXIT_DONE, EXIT_FINDINGS, ListFormat
from ingest.errors import UsageError

DEFAULT_LATEST = "发布编号，默认最新 · release id, default the latest"

READINESS_TEXT = {
    "complete": "已报齐 complete",
    "cut_off": "已截止 cut off",
    "waiting": "等待 waiting",
    "open": "未齐，不等待 not all in, nobody waited for",
}

release_app = typer.Typer(no_args_is_help=True, help="发布 · releases")


class TableFormat(StrEnum):
    table = "table"
    csv = "csv"
    json = "json"
    parquet = "parquet"
    arrow = "arrow"


def sql(
    query: Annotated[str, typer.Argument(help="SELECT ...")],
    release: Annotated[str | None, typer.Option(help=DEFAULT_LATEST)] = None,
    format: Annotated[TableFormat, typer.Option()] = TableFormat.table,
    out: Annotated[Path | None, typer.Option(help="写入此文件 · write into this file")] = None,
    timeout: Annotated[
        float | None, typer.Option(min=0, help="最多运行几秒，默认取 NPL_SQL_SECONDS · seconds that it may take")
    ] = None,
) -> None:
    """对发布只读查询 · Read-only SQL over a release."""
    import pyarrow as pa

    from ingest.paths import temporary_beside
    from ingest.release import find_release, open_query, yanked
    from ingest.tabular import BINARY, write_result

    if out is None and format.value in BINARY:
        raise UsageError(f"请用 --out 指定 {format.value} 文件。", f"Name the {format.value} file with --out.")
    mark = yanked(find_release(release).name)
    if mark:
        typer.echo(
            f"注意：发布 {mark['release']} 已撤回：{mark['reason']}\n"
            f"Release {mark['release']} was yanked: {mark['reason']}",
            err=True,
        )
    try:
        with open_query(query, release, timeout) as result:
            if out is None:
                write_result(result, format.value, sys.stdout.buffer)
                sys.stdout.buffer.flush()
                return
            temporary = temporary_beside(out)
            try:
                with temporary.open("wb") as file:
                    write_result(result, format.value, file)
                temporary.replace(out)
            finally:
                temporary.unlink(missing_ok=True)
    except pa.ArrowException as error:
        raise UsageError(f"{format.value} 无法保存：{error}", f"{format.value} cannot hold it: {error}") from error


@release_app.command("list")
def release_list(format: Annotated[ListFormat, typer.Option()] = ListFormat.text) -> None:
    """所有发布 · All releases, oldest first."""
    from ingest.release import list_releases, yanked

    manifests = list_releases()
    if format is ListFormat.json:
        told = [
            {
                **{key: manifest[key] for key in ("release", "as_of", "standard", "code_commit")},
                "yanked": yanked(manifest["release"]),
            }
            for manifest in manifests
        ]
        typer.echo(json.dumps(told, ensure_ascii=False, indent=1))
        return
    for manifest in manifests:
        mark = yanked(manifest["release"])
        typer.echo(
            f"{manifest['release']}\t{manifest['as_of']}\t{len(manifest['tables'])} tables\t"
            f"{len(manifest['filings_in_force'])} filings" + (f"\t已撤回 yanked: {mark['reason']}" if mark else "")
        )


@release_app.command("readiness")
def release_readiness(
    period: Annotated[str | None, typer.Option(help="报送期 · period, 2026-10 or 2026Q4")] = None,
    format: Annotated[ListFormat, typer.Option()] = ListFormat.text,
) -> None:
    """发布在等谁、等到何时 · Who a release waits for, and until when; exit code 1 while it waits for somebody."""
    from ingest import registry
    from ingest.readiness import WAITING
    from ingest.readiness import release_readiness as look

    found = look(registry.utc_now(), period)
    if format is ListFormat.json:
        typer.echo(json.dumps([each.to_dict() for each in found], ensure_ascii=False, indent=1))
    else:
        for each in found:
            typer.echo(
                f"{each.period}\t{READINESS_TEXT[each.decision]}\t{each.due - len(each.not_filed)}/{each.due}\t"
                f"至 until {each.cutoff_at:%Y-%m-%d %H:%M}Z\t{', '.join(one.institution for one in each.not_filed)}"
            )
    raise typer.Exit(EXIT_FINDINGS if any(each.decision == WAITING for each in found) else EXIT_DONE)


@release_app.command("show")
def release_show(release: Annotated[str | None, typer.Argument(help=DEFAULT_LATEST)] = None) -> None:
    """一个发布的清单 · A release's manifest."""
    from ingest.release import MANIFEST, find_release

    typer.echo((find_release(release) / MANIFEST).read_text(encoding="utf-8"), nl=False)


@release_app.command("verify")
def release_verify(release: Annotated[str | None, typer.Argument(help=DEFAULT_LATEST)] = None) -> None:
    """核对发布的每个字节 · Check every byte of a release."""
    from ingest.release import find_release, verify

    name = find_release(release).name
    problems = verify(release)
    for zh, en in problems:
        typer.echo(f"{zh}\t{en}")
    typer.echo(f"{name}: " + (f"{len(problems)} 处不符 problems" if problems else "完整无误 intact"))
    raise typer.Exit(EXIT_FINDINGS if problems else EXIT_DONE)


@release_app.command("diff")
def release_diff(
    before: Annotated[str, typer.Argument(help="较早的发布 · the earlier release")],
    after: Annotated[str | None, typer.Argument(help=DEFAULT_LATEST)] = None,
    format: Annotated[ListFormat, typer.Option(help="json 列出全部 · json lists all")] = ListFormat.text,
) -> None:
    """哪些数字变了、因为哪些报送和规则 · Which figures changed, and which filings and rules made them change."""
    from ingest.release import compare, find_release, page_of_changes

    told = compare(find_release(before), find_release(after))
    if format is ListFormat.json:
        typer.echo(json.dumps(told, ensure_ascii=False, indent=1))
    else:
        typer.echo(page_of_changes(told))


@release_app.command("export")
def release_export(
    release: Annotated[str, typer.Argument(help="发布编号 · release id")],
    out: Annotated[Path, typer.Option(help="新建的目录 · the folder to make")],
    public: Annotated[
        bool, typer.Option("--public", help="只含经披露控制的公开表 · only the public tables, for the open web")
    ] = False,
) -> None:
    """导出一个发布 · Copy a release out: whole for accredited researchers, or its public part for everybody."""
    from ingest.release import export, export_public

    files = export_public(release, out) if public else export(release, out)
    typer.echo(f"{out}: {len(files)} 个文件 files")


@release_app.command("yank")
def release_yank(
    release: Annotated[str, typer.Argument(help="发布编号 · release id")],
    reason: Annotated[str, typer.Option(help="原因 · why")],
) -> None:
    """撤回一个发布：做标记，不删除 · Yank a release: mark it, delete nothing."""
    from ingest.release import yank

    now = yank(release, reason)
    typer.echo(f"{release}: 已撤回 yanked; 最新发布 latest: {now or '无 none'}")
