"""Issuing receipts: written when the registry has the decision; who dies in between leaves it to the next who looks."""

import json
import logging
from pathlib import Path

from ingest import registry
from ingest.errors import StorageError, cannot_write
from ingest.landing import folder_digest, folder_entries, is_folder, landed_entry
from ingest.paths import exclusive, home, remove_temporaries, write_bytes, write_text
from ingest.receipts import log
from ingest.receipts.keys import PUBLIC_KEYS, published_keys, rotate, signer
from ingest.receipts.note import VerifierKey, sign
from ingest.receipts.receipt import RECEIPT_JSON, FiledFile, Receipt


def receipt_file(entry: log.Entry) -> Path:
    return home().answer(entry.folder, entry.filing_id) / RECEIPT_JSON


def write_receipt(filing_id: str) -> Path | None:
    """Write a decided filing's receipt into its outbox, unless it is there; None when it has no decision.

    Raises:
        StorageError: outbox, keys or registry; or the landed bytes are no longer those that were filed.
    """
    entry = log.entry_of(filing_id)
    return None if entry is None else _write(entry)


def write_missing_receipts() -> list[str]:
    """Write the receipts that a crash or a full disk left out; return the filings that still have none.

    Looks only at decisions since all were last there, so it costs nothing that grows with the history. A receipt that
    cannot be written is told and tried again the next time: one institution's outbox must not stop the others.
    """
    size = registry.log_size()
    marked = _marked()
    failed: list[log.Entry] = []
    for entry in log.entries(marked, size):
        try:
            _write(entry)
        except StorageError as error:
            failed.append(entry)
            logging.getLogger(__name__).warning("%s: %s", entry.filing_id, error)
    complete = failed[0].position if failed else size
    if complete != marked:
        try:
            with exclusive(home().receipts_turn):
                remove_temporaries(home().outbox, home().receipts_mark.name)
                write_text(home().receipts_mark, f"{complete}\n")
        except OSError as error:  # then the next run looks at the same decisions again
            logging.getLogger(__name__).warning("%s: %s", home().receipts_mark, error)
    return [entry.filing_id for entry in failed]


def _marked() -> int:
    try:
        return int(home().receipts_mark.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return 0


def publish_keys(folder: str) -> None:
    """Put the public keys where an institution finds them; what it has already is not written again."""
    public, keys = home().outbox / folder / PUBLIC_KEYS, published_keys().text
    if not public.exists() or public.read_text(encoding="utf-8") != keys:
        write_text(public, keys)


def rotate_key(hand_over: bool) -> VerifierKey:
    """Sign with a new key from now on and give it to every institution; return it.

    `hand_over`: the old key signs the new one, together with the present state of the log.
    """
    checkpoint = log.checkpoint(published_keys().present.name, registry.log_size()) if hand_over else None
    key = rotate(checkpoint)
    with exclusive(home().receipts_turn):
        for public in sorted(home().outbox.glob(f"*/{PUBLIC_KEYS}")):
            publish_keys(public.parent.name)
    return key


def _write(entry: log.Entry) -> Path:
    target = receipt_file(entry)
    if not target.exists():
        try:
            with exclusive(home().receipts_turn):
                remove_temporaries(target.parent, RECEIPT_JSON)
                remove_temporaries(home().outbox / entry.folder, PUBLIC_KEYS)
                content = _issued(entry).to_bytes()
                publish_keys(entry.folder)
                write_bytes(target, content)
        except OSError as error:
            raise cannot_write(error, target) from error
    return target


def _issued(entry: log.Entry) -> Receipt:
    key = signer()
    size = entry.position + 1
    return Receipt(
        leaf=entry.leaf,
        position=entry.position,
        proof=tuple(log.inclusion_proof(entry.position, size)),
        checkpoint=sign(log.checkpoint(key.name, size), key),
        key_id=key.verifier.key_id,
        files=_filed_files(json.loads(entry.leaf)["sha256"]),
    )


def _filed_files(sha256: str) -> tuple[FiledFile, ...] | None:
    landed = landed_entry(sha256)
    if not is_folder(landed):
        return None
    entries = list(folder_entries(landed))
    if folder_digest(entries) != sha256:
        raise StorageError(
            f"{landed} 已不是报送时的内容（{sha256}）。", f"{landed} no longer holds the bytes as filed ({sha256})."
        )
    return tuple(FiledFile(name if _may_be_shown(name) else None, digest) for name, digest in entries)


def _may_be_shown(name: str) -> bool:
    """Whether a file's name can be written down, and holds no personal data beside its dots and slashes."""
    from expectations.findings import mask
    from expectations.spec import load_standard

    words = name.replace(".", " ").replace("/", " ")
    return name.isprintable() and mask(load_standard(), words) == words
