"""Signed notes and checkpoints as C2SP specifies them: text, then lines that say who signed it (Ed25519).

https://c2sp.org/signed-note and https://c2sp.org/tlog-checkpoint. Whoever follows certificate-transparency logs has
tools that read these.
"""

import base64
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ED25519 = b"\1"
KEY_NAME = r"[^\s+]+"
SIGNATURE_MARK = "\N{EM DASH} "


class NoteError(ValueError):
    """Not written as a key, a note or a checkpoint is written."""


@dataclass(frozen=True)
class VerifierKey:
    """A public key by name. Its text is `<name>+<key id>+<base64 of the algorithm byte and the key>`."""

    name: str
    public: bytes

    @classmethod
    def parse(cls, text: str) -> "VerifierKey":
        found = re.fullmatch(rf"({KEY_NAME})\+([0-9a-f]{{8}})\+(\S+)", text)
        material = _decoded(found[3]) if found else b""
        if not found or material[:1] != ED25519 or len(material) != 33:
            raise NoteError(text)
        key = cls(found[1], material[1:])
        if key.key_id != found[2]:
            raise NoteError(text)
        return key

    @property
    def key_id(self) -> str:
        """The first four bytes, in hex, of the SHA-256 over name, line feed, algorithm byte and key."""
        return hashlib.sha256(self.name.encode() + b"\n" + ED25519 + self.public).hexdigest()[:8]

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id}+{base64.b64encode(ED25519 + self.public).decode()}"

    def has_signed(self, signature: bytes, text: str) -> bool:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, text.encode())
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True)
class SignerKey:
    """A private key by name."""

    name: str
    private: "Ed25519PrivateKey"

    @property
    def verifier(self) -> VerifierKey:
        return VerifierKey(self.name, self.private.public_key().public_bytes_raw())

    def signature_line(self, text: str) -> str:
        signature = bytes.fromhex(self.verifier.key_id) + self.private.sign(text.encode())
        return f"{SIGNATURE_MARK}{self.name} {base64.b64encode(signature).decode()}\n"


@dataclass(frozen=True)
class Checkpoint:
    """The state of the log that a signature speaks for: how many entries, and the root over them.

    `extension` lines are signed with it; the hand-over to a new key is one.
    """

    origin: str
    size: int
    root: bytes
    extension: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        root = base64.b64encode(self.root).decode()
        return "".join(f"{line}\n" for line in (self.origin, self.size, root, *self.extension))

    @classmethod
    def parse(cls, text: str) -> "Checkpoint":
        lines = text.split("\n")[:-1]
        if len(lines) < 3 or not re.fullmatch(r"0|[1-9][0-9]{0,18}", lines[1]):
            raise NoteError(text)
        origin, size, root, *extension = lines
        checkpoint = cls(origin, int(size), _decoded(root), tuple(extension))
        if not origin or len(checkpoint.root) != 32 or checkpoint.text != text:
            raise NoteError(text)
        return checkpoint


def sign(checkpoint: Checkpoint, *signers: SignerKey) -> str:
    """The signed note. Ed25519 draws no random number: the same checkpoint and keys give the same bytes."""
    return checkpoint.text + "\n" + "".join(signer.signature_line(checkpoint.text) for signer in signers)


def signed_by(note: str, keys: Iterable[VerifierKey]) -> list[VerifierKey]:
    """Which of the keys have signed the note; signatures of keys that are not asked for say nothing.

    Raises:
        NoteError: it is no signed note, or a signature in one of the keys' names is false.
    """
    text, signatures = _parts(note)
    known = {(key.name, key.key_id): key for key in keys}
    signers = []
    for line in signatures:
        found = re.fullmatch(rf"{SIGNATURE_MARK}({KEY_NAME}) (\S+)", line)
        signature = _decoded(found[2]) if found else b""
        if not found or len(signature) < 5:
            raise NoteError(line)
        key = known.get((found[1], signature[:4].hex()))
        if key is not None:
            if not key.has_signed(signature[4:], text):
                raise NoteError(line)
            signers.append(key)
    return signers


def checkpoint_of(note: str) -> Checkpoint:
    """What a signed checkpoint says; whether it is signed, `signed_by` tells."""
    return Checkpoint.parse(_parts(note)[0])


def _parts(note: str) -> tuple[str, list[str]]:
    text, divider, signatures = note.rpartition("\n\n")
    if not divider or not signatures.endswith("\n"):
        raise NoteError(note)
    return text + "\n", signatures[:-1].split("\n")


def _decoded(text: str) -> bytes:
    """Base64, in the one spelling that encoding gives: else two texts would be the same key, root or signature."""
    try:
        content = base64.b64decode(text, validate=True)
    except ValueError as error:
        raise NoteError(text) from error
    if base64.b64encode(content).decode() != text:
        raise NoteError(text)
    return content
