"""`receipt.json`: what a filer keeps to prove what was filed, what was answered, and that the log holds it.

A receipt of the decision at position n speaks of the log of n + 1 entries, so nothing that comes later changes it.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ingest.landing import folder_digest

RECEIPT_JSON = "receipt.json"
FORMAT = 1
# Part of format 1, as every other byte is: other words would be another format, and old receipts must stay verifiable.
HOW_TO_VERIFY = {
    "zh": "离线核验：npl receipt verify receipt.json --key log.pub；算法见 docs/receipts.md，无需本平台软件。",
    "en": "Verify offline: npl receipt verify receipt.json --key log.pub; without our software: see docs/receipts.md.",
}
PROVEN = ("filing", "verdict", "sha256", "report_sha256", "received_at")
"""The leaf's fields that verification speaks of."""


@dataclass(frozen=True)
class FiledFile:
    """A file of a filing that came as a folder; its name is None where the name itself holds personal data."""

    name: str | None
    sha256: str


@dataclass(frozen=True)
class Receipt:
    """A decision's leaf, its place in the log, and the signed state of the log that holds it.

    `files` are those of a filing that came as a folder, in the order in which they are digested; None for one file.
    """

    leaf: str
    position: int
    proof: tuple[bytes, ...]
    checkpoint: str
    key_id: str
    files: tuple[FiledFile, ...] | None

    @property
    def decision(self) -> dict[str, Any]:
        """The leaf's fields: filing, institution, verdict, digests, time of receipt."""
        content = json.loads(self.leaf)
        if not isinstance(content, dict):
            raise ValueError(self.leaf)
        return content

    @property
    def files_digest(self) -> str | None:
        """The digest that the listed files make; None where the list cannot tell."""
        if self.files is None or any(file.name is None for file in self.files):
            return None
        return folder_digest((file.name or "", file.sha256) for file in self.files)

    def to_bytes(self) -> bytes:
        """The one spelling of this receipt: any other bytes are not what was issued."""
        content = {
            "receipt": FORMAT,
            "verify": HOW_TO_VERIFY,
            "leaf": self.leaf,
            "position": self.position,
            "inclusion_proof": [each.hex() for each in self.proof],
            "checkpoint": self.checkpoint,
            "key_id": self.key_id,
            "files": None if self.files is None else [vars(file) for file in self.files],
        }
        return (json.dumps(content, ensure_ascii=False, indent=1) + "\n").encode()

    @classmethod
    def parse(cls, content: bytes) -> "Receipt":
        """
        Raises:
            ValueError: these bytes are no receipt as we issue them.
        """
        try:
            read: Mapping[str, Any] = json.loads(content)
            files = read["files"]
            receipt = cls(
                leaf=read["leaf"],
                position=read["position"],
                proof=tuple(bytes.fromhex(each) for each in read["inclusion_proof"]),
                checkpoint=read["checkpoint"],
                key_id=read["key_id"],
                files=None if files is None else tuple(FiledFile(each["name"], each["sha256"]) for each in files),
            )
            same = receipt.to_bytes() == content and all(type(receipt.decision[name]) is str for name in PROVEN)
        except (KeyError, TypeError, AttributeError, UnicodeError, RecursionError) as error:
            raise ValueError("not a receipt") from error
        if not same or type(receipt.position) is not int or not re.fullmatch(r"[0-9a-f]{8}", receipt.key_id):
            raise ValueError("not as issued")
        return receipt
