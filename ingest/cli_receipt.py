"""`npl receipt`: what a filer holds as proof, and the log behind it."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from ingest.cli_standard import EXIT_DONE, EXIT_FINDINGS, ListFormat
from ingest.errors import UsageError

receipt_app = typer.Typer(no_args_is_help=True, help="回执与日志 · receipts and the log behind them")


@receipt_app.command("verify")
def receipt_verify(
    file: Annotated[Path, typer.Argument(help="回执 · receipt.json")],
    key: Annotated[Path | None, typer.Option(help="公钥文件，默认本平台的 · log.pub, default this platform's")] = None,
    filing: Annotated[Path | None, typer.Option(help="所报送的文件或目录 · the file or folder as filed")] = None,
    report: Annotated[
        Path | None, typer.Option(help="报告，默认同目录的 report.json · default: beside the receipt")
    ] = None,
) -> None:
    """离线核验回执：签名、日志证明、报送和报告 · Verify a receipt offline: signature, proof, filing and report."""
    from ingest.landing import content_digest
    from ingest.receipts.receipt import Receipt
    from ingest.receipts.verify import receipt_problems
    from ingest.report.answer import REPORT_JSON

    for path in filter(None, (file, filing, report)):
        if not path.exists():
            raise UsageError(f"{path} 不存在。", f"{path} does not exist.")
    keys = _keys(key)
    beside = file.parent / REPORT_JSON
    answered = report or (beside if beside.is_file() else None)
    try:
        receipt = Receipt.parse(file.read_bytes())
    except OSError as error:
        raise UsageError(f"无法读取 {file}。", f"{file} cannot be read.") from error
    except ValueError:
        _end([("回执：内容不是平台签发的原样", "receipt: its bytes are not as issued")], file.name)
    problems = receipt_problems(
        receipt,
        keys.keys,
        content_digest(filing) if filing else None,
        answered.read_bytes() if answered else None,
    )
    if not problems:
        decision = receipt.decision
        typer.echo(f"{decision['filing']}\t{decision['verdict']}\t{decision['received_at']}")
        typer.echo(
            f"日志第 {receipt.position} 项，公钥 {receipt.key_id} · entry {receipt.position}, key {receipt.key_id}"
        )
        if filing is None:
            typer.echo(
                f"未核对报送文件（--filing），应为 · filing not compared, it should be: sha256 {decision['sha256']}"
            )
        if answered is None:
            typer.echo(
                f"未核对报告（--report），应为 · report not compared, should be: sha256 {decision['report_sha256']}"
            )
    _end(problems, file.name)


@receipt_app.command("show")
def receipt_show(
    filing: Annotated[str, typer.Argument(help="报送编号 · filing id")],
    format: Annotated[ListFormat, typer.Option()] = ListFormat.text,
) -> None:
    """一份报送的回执 · The receipt of a filing."""
    from ingest.receipts.issue import write_receipt
    from ingest.receipts.note import checkpoint_of
    from ingest.receipts.receipt import Receipt

    path = write_receipt(filing)
    if path is None:
        raise UsageError(f"{filing} 没有裁定，也就没有回执。", f"{filing} has no decision, so it has no receipt.")
    if format is ListFormat.json:
        typer.echo(path.read_text(encoding="utf-8"), nl=False)
        return
    try:
        receipt = Receipt.parse(path.read_bytes())
        checkpoint = checkpoint_of(receipt.checkpoint)
    except ValueError as error:
        raise UsageError(f"{path} 不是签发的原样。", f"{path} is not as issued.") from error
    rows = [
        ("回执 receipt", path),
        *receipt.decision.items(),
        ("日志 log", f"{checkpoint.origin}, {receipt.position} / {checkpoint.size}, {checkpoint.root.hex()}"),
        ("公钥 key", receipt.key_id),
        *((f"文件 file {file.name or '***'}", file.sha256) for file in receipt.files or ()),
    ]
    for name, value in rows:
        typer.echo(f"{name}\t{value}")


@receipt_app.command("keys")
def receipt_keys(
    file: Annotated[
        Path | None, typer.Argument(help="新的公钥文件，默认本平台的 · a newer log.pub, default ours")
    ] = None,
    known: Annotated[Path | None, typer.Option(help="手中已有的公钥文件 · the log.pub that you trust already")] = None,
) -> None:
    """公钥；或核对新公钥是否由已知公钥交接 · The public keys; or whether known keys handed over to newer ones."""
    from ingest.receipts.keys import published_keys, read_public_keys, unknown_keys

    newer = read_public_keys(file) if file else published_keys()
    for key in newer.keys:
        typer.echo(key)
    if known is not None:
        _end(
            [
                (f"{key.key_id}：没有已知公钥的交接", f"{key.key_id}: no known key has handed over to it")
                for key in unknown_keys(newer, read_public_keys(known).keys)
            ],
            str(file or "log.pub"),
        )


@receipt_app.command("rotate-key")
def receipt_rotate_key(
    lost: Annotated[
        bool, typer.Option("--lost", help="旧私钥已丢失或泄露 · the old key is lost, or in others' hands")
    ] = False,
) -> None:
    """启用新的签名密钥，销毁旧私钥 · Sign with a new key from now on; the old private key is destroyed."""
    from ingest.receipts.issue import rotate_key

    typer.echo(rotate_key(hand_over=not lost))


@receipt_app.command("verify-log")
def receipt_verify_log(
    checkpoint: Annotated[
        list[Path] | None, typer.Option(help="另存的检查点或回执 · checkpoints or receipts kept elsewhere")
    ] = None,
) -> None:
    """核对整个日志：登记库、存档、答复、发布 · The whole log against registry, landed bytes, answers and releases."""
    from ingest import registry
    from ingest.receipts.audit import kept_checkpoints, log_problems

    keys = _keys(None).keys
    kept, problems = kept_checkpoints(checkpoint or [], keys)
    problems += log_problems(kept, keys)
    _end(problems, f"{registry.log_size()} 项 entries, {len(kept)} 个检查点 checkpoints")


def _keys(named: Path | None) -> Any:
    from ingest.paths import keys_dir
    from ingest.receipts.keys import PUBLIC_KEYS, read_public_keys

    ours = keys_dir() / PUBLIC_KEYS
    if named is None and not ours.exists():
        raise UsageError(
            f"请用 --key 指定平台公布的 {PUBLIC_KEYS}。",
            f"Name the {PUBLIC_KEYS} that the platform published with --key.",
        )
    return read_public_keys(named or ours)


def _end(problems: Iterable[tuple[str, str]], name: str) -> NoReturn:
    found = list(problems)
    for zh, en in found:
        typer.echo(f"{zh}\t{en}")
    typer.echo(f"{name}: " + (f"{len(found)} 处不符 problems" if found else "核验通过 verified"))
    raise typer.Exit(EXIT_FINDINGS if found else EXIT_DONE)
