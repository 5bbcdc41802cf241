"""`npl onboard`: take an institution in."""

import datetime
from pathlib import Path
from typing import Annotated

import typer

from ingest.errors import UsageError


def onboard(
    institution: Annotated[str, typer.Argument(help="机构代码 · institution id")],
    since: Annotated[str, typer.Option(help="参加日期 · first day on which it takes part, 2026-12-01")],
    name: Annotated[str, typer.Option(help="机构全称（未登记的） · its full name, unless registered")] = "",
    name_en: Annotated[str, typer.Option(help="英文名称 · its name in English")] = "",
    type: Annotated[str, typer.Option(help="机构类型代码 · code of the list institution_type")] = "",
    province: Annotated[str, typer.Option(help="省份代码 · code of the list province")] = "",
    uscc: Annotated[str, typer.Option(help="统一社会信用代码 · unified social credit code")] = "",
    source: Annotated[str, typer.Option(help="登记依据 · where these facts come from")] = "onboarded by the operator",
    sftp_key: Annotated[Path | None, typer.Option(help="SFTP 公钥文件 · file of its public key, OpenSSH")] = None,
    mailbox: Annotated[str, typer.Option(help="提醒邮箱 · mailbox for reminders")] = "",
) -> None:
    """机构入网：登记、公钥、目录和日历 · Take an institution in: registers, key, folders, calendar."""
    from ingest.onboard import Newcomer
    from ingest.onboard import onboard as take_in

    try:
        first_day = datetime.date.fromisoformat(since)
        key = sftp_key.read_text(encoding="utf-8").strip() if sftp_key else ""
    except ValueError as error:
        raise UsageError("日期或公钥文件无法读取。", "The date or the key file cannot be read.") from error
    except OSError as error:
        raise UsageError(f"无法读取 {sftp_key}。", f"{sftp_key} cannot be read.") from error
    done = take_in(
        Newcomer(institution, first_day, name, name_en, type, province, uscc, source, public_key=key, mailbox=mailbox)
    )
    for place in done.written:
        typer.echo(f"写入 written: {place}")
    if not done.written:
        typer.echo("已全部登记，无需更改。 Everything stands there already.")
    for each in done.owed[:5]:
        typer.echo(f"应报 owes: {each.period} {each.table_name}，{each.due_date} 到期 due")
    if len(done.owed) > 5:
        typer.echo(f"...（另有 {len(done.owed) - 5} 项 · more: npl calendar {institution}）")
