"""Verifying a receipt with the public key alone: no home, no registry, no network."""

import hashlib
from collections.abc import Iterable

from ingest.receipts import merkle
from ingest.receipts.note import Checkpoint, NoteError, VerifierKey, checkpoint_of, signed_by
from ingest.receipts.receipt import Receipt

Problem = tuple[str, str]


def receipt_problems(
    receipt: Receipt, keys: Iterable[VerifierKey], filing_sha256: str | None = None, report: bytes | None = None
) -> list[Problem]:
    """(zh, en) of each part of a receipt that does not verify; empty when all do.

    `filing_sha256` is the digest of the filer's own bytes, `report` the bytes of the report that came with the receipt.
    """
    problems = []
    checkpoint = signed_checkpoint(receipt.checkpoint, keys, receipt.key_id)
    if checkpoint is None:
        problems.append(
            (
                "签名：检查点不是由给定公钥签署的",
                "signature: the checkpoint was not signed by one of the given public keys",
            )
        )
    elif checkpoint.size != receipt.position + 1 or not merkle.verify_inclusion(
        merkle.leaf_hash(receipt.leaf.encode()), receipt.position, checkpoint.size, receipt.proof, checkpoint.root
    ):
        problems.append(
            ("证明：裁定条目不在签署的日志中", "proof: the decision is not in the log that the checkpoint speaks for")
        )
    filed, reported = receipt.decision["sha256"], receipt.decision["report_sha256"]
    if receipt.files_digest not in (None, filed):
        problems.append(
            ("文件清单：与裁定的报送不符", "list of files: they are not those of the filing that was decided")
        )
    if filing_sha256 not in (None, filed):
        problems.append(("报送：与裁定时的内容不同", "filing: its bytes are not those that were decided"))
    if report is not None and hashlib.sha256(report).hexdigest() != reported:
        problems.append(("报告：与裁定时的内容不同", "report: its bytes are not those of the answer that was given"))
    return problems


def signed_checkpoint(note: str, keys: Iterable[VerifierKey], key_id: str | None = None) -> Checkpoint | None:
    """What a checkpoint says, if one of the keys (the one with this id) signed it in the name of its own log."""
    asked = [key for key in keys if key_id in (None, key.key_id)]
    try:
        checkpoint = checkpoint_of(note)
        signers = signed_by(note, asked)
    except NoteError:
        return None
    return checkpoint if any(signer.name == checkpoint.origin for signer in signers) else None
