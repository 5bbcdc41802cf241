"""The keys that sign the log: made on first use, private ones for the platform's account alone, public ones published.

`log.pub` is what institutions are given: every public key that ever signed, oldest first, a line each; then, for every
rotation, the hand-over in which the old key names the new one. Renaming a new `log.pub` into place is what makes a key
the present one; a private key that no `log.pub` names is left over from a crash and never signs.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ingest.config import settings
from ingest.errors import StorageError, UsageError
from ingest.paths import exclusive, keys_dir, write_private, write_text
from ingest.receipts.note import Checkpoint, NoteError, SignerKey, VerifierKey, checkpoint_of, sign, signed_by

PUBLIC_KEYS = "log.pub"
NEXT_KEY = "next-key "
OPEN_TO_OTHERS = 0o077


@dataclass(frozen=True)
class PublicKeys:
    """What a `log.pub` says: the keys, oldest first, and the notes by which one handed over to the next."""

    keys: tuple[VerifierKey, ...]
    handovers: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> "PublicKeys":
        listed, *blocks = text.split("\n\n")
        keys = tuple(VerifierKey.parse(line) for line in listed.splitlines())
        handovers = tuple(
            f"{body}\n\n{signatures.rstrip()}\n" for body, signatures in zip(blocks[::2], blocks[1::2], strict=True)
        )
        if not keys:
            raise NoteError(text)
        return cls(keys, handovers)

    @property
    def text(self) -> str:
        return "\n".join(("".join(f"{key}\n" for key in self.keys), *self.handovers))

    @property
    def present(self) -> VerifierKey:
        return self.keys[-1]


def read_public_keys(path: Path) -> PublicKeys:
    """
    Raises:
        UsageError: there is no such file, or it is no file of public keys.
    """
    try:
        return PublicKeys.parse(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"没有公钥文件 {path}。", f"There is no public key file {path}.") from error
    except ValueError as error:
        raise UsageError(f"{path} 不是公钥文件。", f"{path} is no file of public keys.") from error


def published_keys() -> PublicKeys:
    """The public keys of this platform; with the first one made now, if there was none."""
    with turn() as folder:
        return _ensured(folder)


def signer() -> SignerKey:
    """The key that signs at present.

    Raises:
        StorageError: its private part is missing, or others may read it.
    """
    with turn() as folder:
        return _private(folder, _ensured(folder).present)


def rotate(checkpoint: Checkpoint | None) -> VerifierKey:
    """Let a new key sign from now on, and destroy the private part of the old one; return the new public key.

    `checkpoint` is the log's present state: the old key signs it together with the new key's name. None when the old
    private key is lost: nothing then ties the new key to the old one, and the operator has to vouch for it.
    """
    with turn() as folder:
        published = _ensured(folder)
        old = None if checkpoint is None else _private(folder, published.present)
        new = _made(folder, published.present.name)
        handovers = published.handovers
        if checkpoint is not None and old is not None:
            said = Checkpoint(checkpoint.origin, checkpoint.size, checkpoint.root, (f"{NEXT_KEY}{new.verifier}",))
            handovers = (*handovers, sign(said, old, new))
        write_text(folder / PUBLIC_KEYS, PublicKeys((*published.keys, new.verifier), handovers).text)
        for path in folder.glob("*.key"):
            if path != _private_file(folder, new.verifier):
                path.unlink()
        return new.verifier


def unknown_keys(newer: PublicKeys, known: Iterable[VerifierKey]) -> list[VerifierKey]:
    """The keys of a newer `log.pub` that no known key has handed over to, directly or through others."""
    trusted = list(known)
    for handover in newer.handovers:
        try:
            named = [line for line in checkpoint_of(handover).extension if line.startswith(NEXT_KEY)]
            successors = [VerifierKey.parse(line.removeprefix(NEXT_KEY)) for line in named]
            if signed_by(handover, trusted) and len(signed_by(handover, successors)) == len(successors):
                trusted += successors
        except NoteError:
            continue  # says nothing that could be trusted
    return [key for key in newer.keys if key not in trusted]


@contextmanager
def turn() -> Iterator[Path]:
    """One process at a time makes or changes keys."""
    folder = keys_dir()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with exclusive(folder / ".lock"):
            yield folder
    except OSError as error:
        raise StorageError(
            f"无法读写密钥目录 {folder}：{error.strerror}",
            f"The folder of keys {folder} cannot be read or written: {error.strerror}",
        ) from error


def _ensured(folder: Path) -> PublicKeys:
    if not (folder / PUBLIC_KEYS).exists():
        first = _made(folder, settings().log_origin)
        write_text(folder / PUBLIC_KEYS, PublicKeys((first.verifier,)).text)
    return read_public_keys(folder / PUBLIC_KEYS)


def _private_file(folder: Path, key: VerifierKey) -> Path:
    return folder / f"{key.key_id}.key"


def _made(folder: Path, name: str) -> SignerKey:
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = SignerKey(name, Ed25519PrivateKey.generate())
    content = key.private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    write_private(_private_file(folder, key.verifier), content)
    return key


def _private(folder: Path, public: VerifierKey) -> SignerKey:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    path = _private_file(folder, public)
    if not path.exists():
        raise StorageError(
            f"缺少日志私钥 {path}：请从备份恢复，或运行 npl receipt rotate-key --lost。",
            f"The log's private key {path} is missing: restore it, or run npl receipt rotate-key --lost.",
        )
    if path.stat().st_mode & OPEN_TO_OTHERS:
        raise StorageError(
            f"日志私钥 {path} 可被他人读取：请运行 chmod 600，若可能已泄露，请轮换。",
            f"Others may read the log's private key {path}: chmod 600, and rotate it if it may have leaked.",
        )
    try:
        private = load_pem_private_key(path.read_bytes(), password=None)
    except ValueError as error:
        raise StorageError(f"日志私钥 {path} 已损坏。", f"The log's private key {path} is damaged.") from error
    key = SignerKey(public.name, private) if isinstance(private, Ed25519PrivateKey) else None
    if key is None or key.verifier != public:
        raise StorageError(f"{path} 不是 {public} 的私钥。", f"{path} is not the private key of {public}.")
    return key
