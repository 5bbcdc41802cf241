"""`npl`: each command parses, calls one function, and maps the outcome to an exit code.

0 accepted or done, 1 rejected or findings, 2 unreadable or wrong usage, 3 our fault. Heavy libraries are imported by
the command that needs them.
"""

import sys
from enum import StrEnum
from importlib.abc import MetaPathFinder
from pathlib import Path
from typing import Annotated, Any

import typer

from ingest.cli_backup import backup, backups, restore
from ingest.cli_bench import bench
from ingest.cli_calendar import calendar
from ingest.cli_generate import generate
from ingest.cli_onboard import onboard
from ingest.cli_receipt import receipt_app
from ingest.cli_registry import registry_app
from ingest.cli_release import release_app, sql
from ingest.cli_replay import replay_app
from ingest.cli_standard import (
    EXIT_DONE,
    EXIT_FINDINGS,
    EXIT_OUR_FAULT,
    EXIT_UNREADABLE,
    named_standard,
    standard_app,
)
from ingest.cli_status import doctor, status
from ingest.errors import FilingError, JudgeError, StandardError, StorageError, UsageError

EXIT_OF_VERDICT = {
    "accepted": EXIT_DONE,
    "accepted_with_holds": EXIT_FINDINGS,
    "rejected": EXIT_FINDINGS,
    "unreadable": EXIT_UNREADABLE,
    "error": EXIT_OUR_FAULT,
}

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="不良资产交易信息披露平台 · The NPL transaction warehouse",
)
app.add_typer(standard_app, name="standard")
app.add_typer(release_app, name="release")
app.add_typer(receipt_app, name="receipt")
app.add_typer(registry_app, name="registry")
app.add_typer(replay_app, name="replay")
app.command("backup")(backup)
app.command("backups")(backups)
app.command("restore")(restore)
app.command("sql")(sql)
app.command("generate")(generate)
app.command("bench")(bench)
app.command("calendar")(calendar)
app.command("onboard")(onboard)
app.command("status")(status)
app.command("doctor")(doctor)


class ReportFormat(StrEnum):
    text = "text"
    json = "json"
    html = "html"
    csv = "csv"
    xlsx = "xlsx"


class TemplateFormat(StrEnum):
    xlsx = "xlsx"
    csv = "csv"


@app.command()
def run(
    demo: Annotated[
        bool, typer.Option(help="空目录时放入随附的公告与示例 · fill an empty home with the bundled notices and demo")
    ] = True,
) -> None:
    """主任务：收件、裁定、建表、发布 · The main job: inbox to release, through the Airflow DAGs."""
    from rich.console import Console

    from ingest.run import run as run_all

    run_all(Console(), with_demo=demo)


@app.command()
def check(
    path: Annotated[Path, typer.Argument(help="文件夹、ZIP 或 XLSX · folder, ZIP or workbook")],
    standard: Annotated[str | None, typer.Option(help="标准目录 · directory of another standard")] = None,
    format: Annotated[ReportFormat, typer.Option()] = ReportFormat.text,
    out: Annotated[Path | None, typer.Option(help="写入此目录 · write all reports into this folder")] = None,
) -> None:
    """报送前自查，与平台检查完全一致 · Check a filing exactly as the platform will, before filing it."""
    from ingest.check import check_path

    used = named_standard(standard)
    if not path.exists():
        raise UsageError(f"{path} 不存在。", f"{path} does not exist.")
    report = check_path(path, used)
    if out is not None:
        from ingest.report.answer import write_answer

        write_answer(out, report, used)
    _print_report(report, used, format)
    raise typer.Exit(EXIT_OF_VERDICT[report.verdict])


@app.command("file")
def file_filing(
    path: Annotated[Path, typer.Argument(help="文件夹、ZIP 或 XLSX · folder, ZIP or workbook")],
    institution: Annotated[
        str | None,
        typer.Option(help="收件目录，默认取 filing.json 的机构 · inbox folder, else the filing's own institution"),
    ] = None,
) -> None:
    """报送：收入平台并登记 · File: receive and register (a later `npl run` decides)."""
    from expectations.spec import load_standard
    from ingest.receive import receive
    from ingest.worksheet import filed_manifest

    if not path.exists():
        raise UsageError(f"{path} 不存在。", f"{path} does not exist.")
    folder = institution or filed_manifest(path, load_standard()).institution
    typer.echo(receive(path, folder))


@app.command()
def collect(
    notices: Annotated[Path, typer.Argument(help="已采集公告的 CSV · CSV of collected public notices")],
    out: Annotated[Path, typer.Option(help="输出目录 · where the filings go")],
) -> None:
    """把采集的公开公告转成采集岗的报送 · Turn collected public notices into filings of the collection desk."""
    from expectations.spec import load_standard
    from ingest.read.notices import collect as collect_notices

    if not notices.is_file():
        raise UsageError(f"{notices} 不存在。", f"{notices} does not exist.")
    result = collect_notices(notices, out, load_standard())
    typer.echo(
        f"{result.rows_in} 份公告 notices -> {len(result.folders)} 份报送 filings ({result.rows_out} 行 rows): {out}"
    )


@app.command("import-eba")
def import_eba(
    source: Annotated[Path, typer.Argument(help="EBA 模板 CSV 所在目录 · folder of EBA-coded CSV files")],
    out: Annotated[Path, typer.Option(help="输出目录 · where the filing goes")],
    institution: Annotated[str, typer.Option(help="报送机构代码 · id of the institution that files")],
    project: Annotated[str, typer.Option(help="项目编号 · project code of the package")],
    holder: Annotated[
        str | None, typer.Option(help="债权持有机构全称，默认取登记册 · holder's name, else the register's")
    ] = None,
    key_file: Annotated[
        Path | None, typer.Option(help="代号密钥，默认在输出目录中生成 · key of the pseudonyms, else made in OUT")
    ] = None,
    rate: Annotated[list[str] | None, typer.Option(help="汇率 · CNY per unit, e.g. EUR=8.10")] = None,
) -> None:
    """把 EBA 不良贷款模板转成贷款和押品明细 · Turn EBA-coded CSV files into a filing of loans and collateral."""
    from expectations.spec import load_standard
    from ingest.eba import rates_of
    from ingest.read.eba import import_eba as import_folder
    from ingest.read.eba import own_key
    from ingest.read.eba_translate import EbaFiling
    from ingest.register import institution as registered

    if not source.is_dir():
        raise UsageError(f"{source} 不是目录。", f"{source} is no folder.")
    known = registered(institution)
    name = holder or (known["name_zh"] if known else "")
    key = key_file.read_bytes() if key_file else own_key(out)
    result = import_folder(
        source, out, EbaFiling(institution, name, project, key, rates=rates_of(rate or [])), load_standard()
    )
    typer.echo(result.to_text(), nl=False)


@app.command()
def sftp() -> None:
    """SFTP 收件：各机构只见自己的收件与发件目录 · Serve the SFTP drop: each institution sees its own two folders."""
    import asyncio
    import logging

    from ingest import telemetry
    from ingest.config import settings
    from ingest.sftp import serve

    telemetry.configure()
    logging.getLogger("asyncssh").setLevel(logging.WARNING)  # it tells of every connection, the health check's too
    typer.echo(f"SFTP {settings().sftp_host}:{settings().sftp_port}", err=True)
    try:
        asyncio.run(serve(settings().sftp_host, settings().sftp_port))
    except OSError as error:
        raise StorageError(f"SFTP 无法启动：{error}。", f"The SFTP drop cannot start: {error}.") from error


@app.command()
def report(
    filing: Annotated[str, typer.Argument(help="报送编号 · filing id")],
    format: Annotated[ReportFormat, typer.Option()] = ReportFormat.text,
) -> None:
    """平台对一份报送的答复 · The platform's answer to a filing."""
    from expectations.spec import load_standard
    from ingest.paths import home
    from ingest.report.answer import REPORT_JSON
    from ingest.report.model import Report
    from ingest.report.reconciliation import RECONCILIATION_JSON, Reconciliation, render_text

    folder = home().answer(_find(filing).folder, filing)
    if not (folder / REPORT_JSON).exists():
        raise UsageError(f"{filing} 尚未裁定。", f"{filing} is not decided yet.")
    _print_report(Report.model_validate_json((folder / REPORT_JSON).read_bytes()), load_standard(), format)
    if format is ReportFormat.text and (folder / RECONCILIATION_JSON).exists():
        told = Reconciliation.model_validate_json((folder / RECONCILIATION_JSON).read_bytes())
        typer.echo(render_text(told), nl=False)


@app.command()
def template(
    out: Annotated[Path, typer.Option(help="输出目录 · where the templates go")],
    table: Annotated[str | None, typer.Argument(help="表名，默认所有表 · table, default all")] = None,
    format: Annotated[TemplateFormat, typer.Option()] = TemplateFormat.xlsx,
    example: Annotated[bool, typer.Option("--example", help="填入示例 · filled with the standard's example")] = False,
    standard: Annotated[str | None, typer.Option(help="标准目录 · directory of another standard")] = None,
) -> None:
    """填报模板 · Templates to fill in: a workbook with drop-downs, or CSV."""
    from ingest.paths import write_bytes
    from ingest.template import template_files

    used = named_standard(standard)
    if table is not None and table not in used.tables:
        known = ", ".join(used.tables)
        raise UsageError(
            f"标准中没有表 {table}。可用：{known}。", f"The standard has no table {table}. Tables: {known}."
        )
    for name, content in template_files(used, [table] if table else list(used.tables), format.value, example).items():
        write_bytes(out / name, content)
        typer.echo(out / name)


def _find(filing: str) -> Any:
    from ingest import registry

    record = registry.find(filing)
    if record is None:
        raise UsageError(f"登记库中没有报送 {filing}。", f"The registry has no filing {filing}.")
    return record


def _print_report(report: Any, standard: Any, kind: ReportFormat) -> None:
    from ingest.report import findings_csv, html, text, xlsx

    if kind is ReportFormat.text:
        typer.echo(text.render(report, standard), nl=False)
    else:
        content = {
            ReportFormat.html: lambda: html.render(report, standard).encode(),
            ReportFormat.json: report.to_json_bytes,
            ReportFormat.csv: lambda: findings_csv.render(report),
            ReportFormat.xlsx: lambda: xlsx.render(report, standard),
        }[kind]()
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()


class _WithoutPandas(MetaPathFinder):
    """No pandas in this process: pyarrow imports it to see whether a list is one of its series, which takes 0.4 s.

    No command hands it any; the judge of filed filings, which needs pandas, runs in the scheduler's processes.
    """

    def find_spec(self, fullname: str, path: object, target: object = None) -> None:
        if fullname == "pandas":
            raise ModuleNotFoundError("no command uses pandas", name=fullname)


def main() -> None:
    """Run a command: our errors end with their two-language message and exit code, never with a traceback."""
    try:
        app()
    except (FilingError, UsageError) as error:
        typer.echo(str(error), err=True)
        sys.exit(EXIT_UNREADABLE)
    except (StorageError, JudgeError, StandardError) as error:
        typer.echo(str(error), err=True)
        sys.exit(EXIT_OUR_FAULT)


def program() -> None:
    """Entry point of the process: from here on it is `npl` and nothing else, and goes without pandas."""
    sys.meta_path.insert(0, _WithoutPandas())
    main()


if __name__ == "__main__":
    program()
