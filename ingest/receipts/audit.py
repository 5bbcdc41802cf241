"""The operator's audit: every entry of the log against the registry, the landed bytes, the outbox and kept checkpoints.

A decision that was altered no longer fits its leaf; a leaf that was altered, taken out or put in no longer fits the
checkpoints that others hold: receipts, releases, and what the operator kept elsewhere.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from ingest import registry
from ingest.errors import StorageError, UsageError
from ingest.landing import content_digest, landed_entry
from ingest.paths import home
from ingest.receipts import merkle
from ingest.receipts.leaf import proved
from ingest.receipts.note import Checkpoint, VerifierKey
from ingest.receipts.receipt import RECEIPT_JSON, Receipt
from ingest.receipts.verify import Problem, receipt_problems, signed_checkpoint
from ingest.registry_tables import decisions, filings, log_entries, log_nodes, states
from ingest.release import list_releases
from ingest.report.answer import REPORT_JSON


def log_problems(kept: Mapping[str, Checkpoint], keys: Sequence[VerifierKey]) -> Iterator[Problem]:
    """(zh, en) of everything in which log, registry, zones and the kept checkpoints (by name) are at odds."""
    latest: dict[int, bytes] = {}  # by level, the last complete subtree: all that a root or the next entry needs
    size, root = 0, merkle.root(0, lambda level, _: latest[level])
    yield from _unlike(kept, size, root)
    for row in _rows():
        if row["position"] != size:
            yield f"第 {size} 项：日志中缺失", f"entry {size}: missing in the log"
            return
        hashes = merkle.completed_by(size, merkle.leaf_hash(row["leaf"].encode()), lambda level, _: latest[level])
        latest.update(enumerate(hashes))
        size += 1
        root = merkle.root(size, lambda level, _: latest[level])
        if row["hashes"] not in (None, "".join(each.hex() for each in hashes)):
            yield f"第 {size - 1} 项：日志条目或其散列已改变", f"entry {size - 1}: the entry or its hashes were changed"
        for zh, en in _entry_problems(row, root, keys):
            yield f"{row['filing_id']}：{zh}", f"{row['filing_id']}: {en}"
        yield from _unlike(kept, size, root)
    for name, checkpoint in kept.items():
        if checkpoint.size > size:
            yield (
                f"{name}：检查点有 {checkpoint.size} 项，日志只有 {size} 项",
                f"{name}: the checkpoint speaks of {checkpoint.size} entries, the log has {size}",
            )
    yield from _unlogged()


def kept_checkpoints(files: Iterable[Path], keys: Sequence[VerifierKey]) -> tuple[dict[str, Checkpoint], list[Problem]]:
    """The signed states of the log that releases and these files (checkpoints or receipts) hold; and what is none.

    Raises:
        UsageError: a file cannot be read.
    """
    notes = {manifest["release"]: str(manifest.get("log", {}).get("checkpoint")) for manifest in list_releases()}
    for file in files:
        try:
            text = file.read_text(encoding="utf-8")
        except (OSError, UnicodeError) as error:
            raise UsageError(f"无法读取 {file}。", f"{file} cannot be read.") from error
        notes[str(file)] = str(dict(json.loads(text)).get("checkpoint")) if text.startswith("{") else text
    found = {name: signed_checkpoint(note, keys) for name, note in notes.items()}
    return (
        {name: checkpoint for name, checkpoint in found.items() if checkpoint},
        [
            (f"{name}：没有本平台签署的检查点", f"{name}: holds no checkpoint that our keys signed")
            for name, checkpoint in found.items()
            if not checkpoint
        ],
    )


def _unlike(kept: Mapping[str, Checkpoint], size: int, root: bytes) -> Iterator[Problem]:
    for name, checkpoint in kept.items():
        if checkpoint.size == size and checkpoint.root != root:
            yield f"{name}：日志已不是检查点所签署的", f"{name}: the log is not the one that the checkpoint speaks for"


def _rows() -> Iterator[Mapping[str, Any]]:
    """Each entry with its hashes and all that the registry holds of its filing; null where it holds nothing."""
    theirs = [column for table in (filings, decisions) for column in table.c if column.name != "filing_id"]
    filing_id = log_entries.c.filing_id
    decided = sa.and_(states.c.filing_id == filing_id, states.c.state == decisions.c.verdict)
    query = (
        sa.select(log_entries, log_nodes.c.hashes, *theirs, states.c.state)
        .join(log_nodes, log_nodes.c.position == log_entries.c.position, isouter=True)
        .join(filings, filings.c.filing_id == filing_id, isouter=True)
        .join(decisions, decisions.c.filing_id == filing_id, isouter=True)
        .join(states, decided, isouter=True)
        .order_by(log_entries.c.position)
        .execution_options(yield_per=1000)
    )
    with registry.transaction() as connection:
        for row in connection.execute(query):
            yield dict(row._mapping)


def _unlogged() -> Iterator[Problem]:
    logged = sa.exists().where(log_entries.c.filing_id == decisions.c.filing_id)
    with registry.transaction() as connection:
        for row in connection.execute(sa.select(decisions.c.filing_id).where(~logged)):
            yield f"{row.filing_id}：裁定不在日志中", f"{row.filing_id}: its decision is not in the log"


def _entry_problems(row: Mapping[str, Any], root: bytes, keys: Sequence[VerifierKey]) -> Iterator[Problem]:
    if row["folder"] is None or row["state"] is None:
        yield "登记库中没有这份报送或其裁定", "the registry has no such filing or decision"
        return
    record = registry.FilingRecord(**{field.name: row[field.name] for field in fields(registry.FilingRecord)})
    try:
        said = dict(json.loads(row["leaf"]))
    except (TypeError, ValueError):
        said = {}
    for name, value in proved(record, row).items():
        if name not in said or said[name] != value:
            yield f"登记库的 {name} 与日志不符", f"{name} in the registry is not what the log says"
    if not _still_landed(record.sha256):
        yield "存档的报送内容已改变或缺失", "the landed bytes were changed or are missing"
    answer = home().answer(record.folder, record.filing_id)
    try:
        report = (answer / REPORT_JSON).read_bytes()
    except OSError:
        yield "缺少报告", "its report is missing"
        return
    if _counts(report) != tuple(row[name] for name in ("standard_version", "rows_filed", "rows_accepted", "rows_held")):
        yield "登记库的版本或行数与报告不符", "version or counts in the registry are not those of the report"
    yield from _receipt_problems(answer / RECEIPT_JSON, row, root, keys, report)


def _still_landed(sha256: str) -> bool:
    try:
        return content_digest(landed_entry(sha256)) == sha256
    except (OSError, ValueError, StorageError):
        return False


def _counts(report: bytes) -> tuple[Any, ...] | None:
    """The version and the counts that a report says; its bytes are proved by the receipt, theirs are not."""
    try:
        content = json.loads(report)
        tables = content["tables"]
        counts = (sum(table[name] for table in tables) for name in ("rows", "accepted", "held"))
        return (content["standard"]["version"], *counts)
    except (KeyError, TypeError, ValueError):
        return None


def _receipt_problems(
    path: Path, row: Mapping[str, Any], root: bytes, keys: Sequence[VerifierKey], report: bytes
) -> Iterator[Problem]:
    try:
        receipt = Receipt.parse(path.read_bytes())
    except OSError:
        yield "缺少回执", "its receipt is missing"
        return
    except ValueError:
        yield "回执已改变", "its receipt was changed"
        return
    yield from receipt_problems(receipt, keys, row["sha256"], report)
    checkpoint = signed_checkpoint(receipt.checkpoint, keys)
    if (receipt.leaf, receipt.position) != (row["leaf"], row["position"]) or (checkpoint and checkpoint.root != root):
        yield "回执与日志不符", "the log is not the one that its receipt speaks for"
