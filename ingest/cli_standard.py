"""`npl standard`: what the disclosure standard says, what derives from it, and what a change of it would do."""

import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from ingest.errors import UsageError

EXIT_DONE, EXIT_FINDINGS, EXIT_UNREADABLE, EXIT_OUR_FAULT = 0, 1, 2, 3

standard_app = typer.Typer(no_args_is_help=True, help="披露标准 · the disclosure standard")


def named_standard(named: str | None) -> Any:
    """The standard that a command names: a directory, a version of ours, or (null) ours."""
    from expectations.spec import load_standard

    ours = load_standard()
    if named is None or named in ours.version_names:
        return ours
    return load_standard(Path(named))


class ListFormat(StrEnum):
    text = "text"
    json = "json"


@standard_app.command("list")
def standard_list(
    format: Annotated[ListFormat, typer.Option()] = ListFormat.text,
    standard: Annotated[str | None, typer.Option(help="标准目录 · directory of another standard")] = None,
) -> None:
    """标准的表和规则 · Tables and rules of the standard."""
    used = named_standard(standard)
    rules = [
        {
            "id": rule.id,
            "table": rule.table,
            "scope": rule.scope,
            "severity": rule.severity,
            "category": rule.category,
            "state": rule.state,
            "since": rule.since,
            "until": rule.until,
        }
        for rule in used.rules.values()
    ]
    if format is ListFormat.json:
        typer.echo(
            json.dumps(
                {"version": used.latest_version, "tables": list(used.tables), "rules": rules},
                ensure_ascii=False,
                indent=1,
            )
        )
        return
    for rule in used.rules.values():
        typer.echo(f"{rule.id}  {rule.severity:6}  {rule.table:15}  {rule.message.zh}")


@standard_app.command("examples")
def standard_examples(
    standard: Annotated[str | None, typer.Option(help="标准目录 · directory of another standard")] = None,
) -> None:
    """试跑每条规则的正例和反例 · Run every rule's own examples: bad ones must break it, good ones no rule at all."""
    from expectations.examples import example_problems

    used = named_standard(standard)
    problems = example_problems(used)
    for rule_id, problem in problems:
        typer.echo(f"{rule_id}  {problem}")
    typer.echo(f"{len(used.rules)} 条规则 rules, {len(problems)} 个问题 problems")
    raise typer.Exit(EXIT_FINDINGS if problems else EXIT_DONE)


@standard_app.command("show")
def standard_show(name: Annotated[str, typer.Argument(help="规则编号或表名 · rule id or table")]) -> None:
    """一条规则或一张表的原文 · One rule or table, as it is written."""
    used = named_standard(None)
    for folder in ("rules", "tables"):
        path = used.directory / folder / f"{name}.yml"
        if path.is_file() and path.parent == used.directory / folder:
            typer.echo(path.read_text(encoding="utf-8"), nl=False)
            return
    raise UsageError(f"标准中没有 {name}。", f"The standard has no {name}.")


@standard_app.command("diff")
def standard_diff(
    before: Annotated[str, typer.Argument(help="旧版本或目录 · the earlier version, or directory")],
    after: Annotated[str, typer.Argument(help="新版本或目录 · the later version, or directory")],
    format: Annotated[ListFormat, typer.Option()] = ListFormat.text,
) -> None:
    """两个版本或两个目录的差别 · Fields, codes and rules added, changed, withdrawn."""
    from expectations.lifecycle import difference_of_standards, difference_of_versions
    from expectations.spec import load_standard

    ours = load_standard()
    named = [name in ours.version_names for name in (before, after)]
    if all(named):
        difference = difference_of_versions(ours, before, after)
    elif any(named):
        raise UsageError(
            "请给出两个版本，或两个标准目录。", "Give two versions of the standard, or two directories of standards."
        )
    else:
        difference = difference_of_standards(load_standard(Path(before)), load_standard(Path(after)))
    _echo(difference, format)


@standard_app.command("dry-run")
def standard_dry_run(
    proposal: Annotated[str, typer.Argument(help="规则文件、规则编号或标准目录 · rule file, rule id or directory")],
    format: Annotated[ListFormat, typer.Option()] = ListFormat.text,
) -> None:
    """用拟改的规则或标准重判所有存档报送，不改动任何数据 · Judge every stored filing by a proposal; changes nothing."""
    from rich.console import Console
    from rich.progress import track

    from ingest.dry_run import dry_run

    told = Console(stderr=True)
    result = dry_run(
        proposal,
        watched=lambda filings: track(
            filings, "试运行 Dry run", console=told, transient=True, disable=not told.is_terminal
        ),
    )
    _echo(result, format)


@standard_app.command("build")
def standard_build(
    check: Annotated[bool, typer.Option("--check", help="只检查 · only tell what differs")] = False,
) -> None:
    """生成由标准派生的文件 · Write the committed files that derive from the standard."""
    from ingest.build import build

    differing = build(check)
    for name in differing:
        typer.echo(f"{'不一致 differs' if check else '已写入 written'}: {name}")
    if check and differing:
        typer.echo("请运行 npl standard build · run: npl standard build", err=True)
        raise typer.Exit(EXIT_FINDINGS)


def _echo(result: Any, kind: ListFormat) -> None:
    """Print what can tell itself as text and as JSON."""
    if kind is ListFormat.json:
        typer.echo(json.dumps(result.to_dict(), ensure_ascii=False, indent=1))
    else:
        typer.echo(result.to_text(), nl=False)
