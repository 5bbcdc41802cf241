"""What a release says of the log, and how it shows that the log only grew since the release before it.

The state of the log goes into the manifest: it follows from the filings. Which release came before is a fact about this
platform's past, so it stands beside the manifest, in a file that proves itself.
"""

import base64
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ingest.errors import UsageError
from ingest.paths import keys_dir, write_text
from ingest.receipts import log, merkle
from ingest.receipts.keys import PUBLIC_KEYS, PublicKeys, published_keys, read_public_keys, signer
from ingest.receipts.note import Checkpoint, sign
from ingest.receipts.verify import Problem, signed_checkpoint

CONSISTENCY = "log_consistency.json"


def log_state(last_state_id: int | None, folder: Path) -> dict[str, Any]:
    """The log as of a row of the registry's states, for the manifest; and the public keys, into the release."""
    key = signer()
    checkpoint = log.checkpoint(key.name, log.size_at(last_state_id) if last_state_id is not None else 0)
    write_text(folder / PUBLIC_KEYS, published_keys().text)
    return {
        "size": checkpoint.size,
        "root": base64.b64encode(checkpoint.root).decode(),
        "checkpoint": sign(checkpoint, key),
    }


def write_consistency(folder: Path, state: Mapping[str, Any], earlier: Iterable[Mapping[str, Any]]) -> None:
    """Write how this release's log continues that of the release with the next smaller log; all null if none has."""
    smaller = [each for each in earlier if "log" in each and each["log"]["size"] < state["size"]]
    before = max(smaller, key=lambda each: (each["log"]["size"], each["release"]), default=None)
    proof = log.consistency_proof(before["log"]["size"], state["size"]) if before else []
    content = {
        "previous_release": before and before["release"],
        "previous_checkpoint": before and before["log"]["checkpoint"],
        "consistency_proof": [each.hex() for each in proof],
    }
    write_text(folder / CONSISTENCY, json.dumps(content, ensure_ascii=False, indent=1) + "\n")


def trusted_keys(folder: Path) -> PublicKeys:
    """This platform's public keys; where there are none, those that came with the release.

    Raises:
        UsageError: there is no file of public keys in either place.
    """
    ours = keys_dir() / PUBLIC_KEYS
    return read_public_keys(ours if ours.exists() else folder / PUBLIC_KEYS)


def release_log_problems(
    folder: Path, manifest: Mapping[str, Any], others: Iterable[Mapping[str, Any]]
) -> Sequence[Problem]:
    """(zh, en) of what does not verify: the signature, or that the log continues the earlier releases that are here."""
    try:
        keys = trusted_keys(folder).keys
    except UsageError as error:
        return [(error.zh, error.en)]
    state = manifest.get("log") or {}
    checkpoint = signed_checkpoint(str(state.get("checkpoint")), keys)
    if checkpoint is None or state != _as_written(checkpoint, state["checkpoint"]):
        return [
            ("manifest.json：日志检查点的签名不符", "manifest.json: the log's checkpoint is not signed by our keys")
        ]
    try:
        content = json.loads((folder / CONSISTENCY).read_bytes())
        previous, note = content["previous_release"], content["previous_checkpoint"]
        proof = [bytes.fromhex(each) for each in content["consistency_proof"]]
    except (OSError, KeyError, TypeError, ValueError):
        return [(f"{CONSISTENCY}：缺失或无法读取", f"{CONSISTENCY}: missing or unreadable")]
    before = Checkpoint("", 0, merkle.root(0, _nothing)) if previous is None else signed_checkpoint(str(note), keys)
    if before is None or not merkle.verify_consistency(
        before.size, checkpoint.size, before.root, checkpoint.root, proof
    ):
        return [(f"{CONSISTENCY}：日志不是前次日志的延续", f"{CONSISTENCY}: the log does not continue the earlier one")]
    return [
        (
            f"{CONSISTENCY}：与发布 {other['release']} 的日志不符",
            f"{CONSISTENCY}: it is at odds with the log of release {other['release']}",
        )
        for other in others
        if other.get("log") and _at_odds(other, previous, before, checkpoint)
    ]


def _at_odds(other: Mapping[str, Any], previous: str | None, before: Checkpoint, own: Checkpoint) -> bool:
    """Whether a release that is here was passed over as the one before, or has another log of the same size."""
    size, root = other["log"]["size"], other["log"]["root"]
    if other["release"] == previous and size != before.size:
        return True
    for checkpoint in (before, own):
        if size == checkpoint.size:
            return bool(root != base64.b64encode(checkpoint.root).decode())
    return bool(before.size < size < own.size)


def _as_written(checkpoint: Checkpoint, note: str) -> dict[str, Any]:
    return {"size": checkpoint.size, "root": base64.b64encode(checkpoint.root).decode(), "checkpoint": note}


def _nothing(level: int, index: int) -> bytes:
    raise LookupError((level, index))
