"""`npl replay`: history under the rules of today: told, planned, and carried out once somebody has approved it."""

import json
from collections.abc import Callable, Iterable
from typing import Annotated, Any

import typer

from ingest.cli_standard import EXIT_DONE, EXIT_FINDINGS, ListFormat

replay_app = typer.Typer(no_args_is_help=True, help="按现行规则重判历史 · history under the rules of today")
Period = Annotated[str | None, typer.Option(help="报送期，默认全部 · period, 2026-10 or 2026Q4, default all")]


@replay_app.command("dry")
def replay_dry(
    period: Period = None,
    proposal: Annotated[
        str | None, typer.Option(help="拟改的规则或标准目录 · a proposed rule or standard, else the one of today")
    ] = None,
) -> None:
    """只出报告，不改动任何数据 · Write a report; nothing else is changed."""
    from ingest.replay import audit

    told = audit(period, proposal, _watched("试重判 Dry replay"))
    typer.echo(f"重判 judged {told['judged']}，会变 would change {told['changed']}: {told['page']}")
    raise typer.Exit(EXIT_FINDINGS if told["changed"] else EXIT_DONE)


@replay_app.command("plan")
def replay_plan(period: Period = None) -> None:
    """拟定：哪些裁定和哪些已发布的数字会变 · Plan: which verdicts and which published figures would change."""
    from ingest.paths import home
    from ingest.replay import plan
    from ingest.replay.page import page
    from ingest.replay.planning import PLAN_PAGE

    told = plan(period)
    if told is None:
        typer.echo("没有会变的裁定。\nNo decision would change.")
        return
    typer.echo(page(told))
    typer.echo(f"{home().replay(told['replay']) / PLAN_PAGE}\nnpl replay apply {told['replay']} --approved-by ...")
    raise typer.Exit(EXIT_FINDINGS)


@replay_app.command("apply")
def replay_apply(
    replay: Annotated[str, typer.Argument(help="计划编号 · the plan's id")],
    approved_by: Annotated[str, typer.Option(help="批准人的岗位 · the office that approved it, never a name")],
    reason: Annotated[str, typer.Option(help="理由 · why")] = "",
) -> None:
    """执行已批准的计划；中断后再次运行会继续 · Carry out an approved plan; run again, it goes on where it stopped."""
    from ingest.replay import apply

    told = apply(replay, approved_by, reason)
    typer.echo(json.dumps(told.to_dict(), ensure_ascii=False, indent=1))
    raise typer.Exit(EXIT_FINDINGS if told.overtaken or told.otherwise else EXIT_DONE)


@replay_app.command("list")
def replay_list(format: Annotated[ListFormat, typer.Option()] = ListFormat.text) -> None:
    """所有计划：由谁批准、做了多少 · Every plan: who approved it, and how much is done."""
    from ingest.replay import plans

    found = plans()
    if format is ListFormat.json:
        typer.echo(json.dumps(found, ensure_ascii=False, indent=1))
        return
    for each in found:
        approval = f"{each['approved_by']} {each['approved_at']}" if each["approved_by"] else "未批准 not approved"
        typer.echo(f"{each['replay']}\t{each['period'] or '全部 all'}\t{each['done']}/{each['filings']}\t{approval}")


@replay_app.command("show")
def replay_show(replay: Annotated[str, typer.Argument(help="计划编号 · the plan's id")]) -> None:
    """一个计划的全文 · A plan in full."""
    from ingest.replay import find_plan
    from ingest.replay.page import page

    typer.echo(page(find_plan(replay)))


def _watched(title: str) -> Callable[[list[Any]], Iterable[Any]]:
    from rich.console import Console
    from rich.progress import track

    told = Console(stderr=True)
    return lambda filings: track(filings, title, console=told, transient=True, disable=not told.is_terminal)
