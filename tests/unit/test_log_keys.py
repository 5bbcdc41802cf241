"""Signed notes against a published example, and the life of the keys: made once, guarded, rotated, handed over."""

import base64
import os
import stat
import subprocess
import sys

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ingest.config import PROJECT_DIR, settings
from ingest.errors import StorageError, UsageError
from ingest.paths import keys_dir
from ingest.receipts import keys
from ingest.receipts.note import Checkpoint, NoteError, SignerKey, VerifierKey, checkpoint_of, sign, signed_by

# The example of Go's golang.org/x/mod/sumdb/note, which C2SP's signed-note describes.
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PETERS_NOTE = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
    "\n"
    "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
SIGNER = SignerKey("log", Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
CHECKPOINT = Checkpoint("log", 5, bytes(range(32)))
NOTE = sign(CHECKPOINT, SIGNER)


def test_the_published_example_of_a_signed_note_verifies():
    peter = VerifierKey.parse(PETER)
    assert str(peter) == PETER
    assert signed_by(PETERS_NOTE, [peter]) == [peter]
    assert signed_by(PETERS_NOTE, [SIGNER.verifier]) == []
    with pytest.raises(NoteError):
        signed_by(PETERS_NOTE.replace("answer", "solution"), [peter])


def test_a_checkpoint_is_origin_size_and_root_and_signing_it_twice_gives_the_same_bytes():
    assert NOTE.splitlines()[:4] == ["log", "5", base64.b64encode(bytes(range(32))).decode(), ""]
    assert sign(CHECKPOINT, SIGNER) == NOTE
    assert checkpoint_of(NOTE) == CHECKPOINT


def test_a_checkpoint_with_any_one_bit_changed_is_not_signed():
    content = NOTE.encode()
    for place in range(len(content)):
        for bit in range(8):
            changed = content[:place] + bytes([content[place] ^ 1 << bit]) + content[place + 1 :]
            try:
                assert signed_by(changed.decode(), [SIGNER.verifier]) == [], changed
            except (NoteError, UnicodeDecodeError):
                continue


@pytest.mark.parametrize(
    "text", ["", "log\n5\n", "log\n05\nAAAA\n", "log\n5\nAAAA\n", "\n5\n" + "A" * 43 + "=\n", "log\n5"]
)
def test_what_is_no_checkpoint_is_refused(text):
    with pytest.raises(NoteError):
        Checkpoint.parse(text)


@pytest.mark.parametrize("text", ["", "log", PETER[:-4], PETER.replace("c74f20a3", "c74f20a4"), PETER + "\n"])
def test_what_is_no_public_key_is_refused(text):
    with pytest.raises(NoteError):
        VerifierKey.parse(text)


def private_files() -> list[str]:
    return sorted(path.name for path in keys_dir().glob("*.key"))


def test_a_key_is_made_on_first_use_for_the_platforms_account_alone(npl_home):
    signer = keys.signer()
    assert keys.signer().verifier == signer.verifier
    assert private_files() == [f"{signer.verifier.key_id}.key"]
    assert stat.S_IMODE(npl_home.keys.stat().st_mode) == 0o700
    assert stat.S_IMODE((npl_home.keys / private_files()[0]).stat().st_mode) == 0o600
    assert (npl_home.keys / "log.pub").read_text() == f"{signer.verifier}\n"
    assert signer.name == settings().log_origin


def test_keys_lie_where_the_setting_says(npl_home, tmp_path, monkeypatch):
    monkeypatch.setenv("NPL_KEYS_DIR", str(tmp_path / "elsewhere"))
    settings.cache_clear()
    keys.signer()
    assert (tmp_path / "elsewhere" / "log.pub").is_file()
    assert not npl_home.keys.exists()


def test_eight_processes_that_start_together_make_one_key(npl_home):
    code = "from ingest.receipts.keys import signer; print(signer().verifier)"
    environment = os.environ | {"PYTHONPATH": str(PROJECT_DIR)}
    started = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=environment)
        for _ in range(8)
    ]
    told = {process.communicate()[0] for process in started}
    assert [process.returncode for process in started] == [0] * 8
    assert told == {(npl_home.keys / "log.pub").read_text()}
    assert len(private_files()) == 1


def test_a_private_key_that_others_may_read_does_not_sign(npl_home):
    keys.signer()
    (npl_home.keys / private_files()[0]).chmod(0o644)
    with pytest.raises(StorageError, match="chmod 600"):
        keys.signer()


def test_a_missing_or_foreign_private_key_is_told_and_never_replaced(npl_home):
    keys.signer()
    private = npl_home.keys / private_files()[0]
    content = private.read_bytes()
    private.write_bytes(b"no key")
    with pytest.raises(StorageError, match="damaged"):
        keys.signer()
    private.unlink()
    with pytest.raises(StorageError, match="missing"):
        keys.signer()
    assert private_files() == []
    private.write_bytes(content)
    private.chmod(0o600)
    assert keys.signer().verifier == keys.published_keys().present


def test_a_private_key_left_over_from_a_crash_never_signs(npl_home):
    npl_home.keys.mkdir(parents=True)
    (npl_home.keys / "01234567.key").write_bytes(b"left over")
    assert keys.signer().verifier.key_id != "01234567"


def test_after_a_rotation_old_notes_verify_and_the_old_key_is_gone(npl_home):
    old = keys.signer()
    note = sign(CHECKPOINT, old)
    new = keys.rotate(CHECKPOINT)
    published = keys.published_keys()
    assert published.keys == (old.verifier, new)
    assert keys.signer().verifier == new
    assert private_files() == [f"{new.key_id}.key"]
    assert signed_by(note, published.keys) == [old.verifier]
    assert keys.PublicKeys.parse(published.text) == published


def test_who_knows_the_first_key_is_led_to_the_third(npl_home):
    first = keys.signer().verifier
    keys.rotate(CHECKPOINT)
    keys.rotate(CHECKPOINT)
    published = keys.published_keys()
    assert len(published.keys) == 3
    assert keys.unknown_keys(published, [first]) == []
    assert keys.unknown_keys(published, [published.keys[1]]) == [first]
    assert signed_by(published.handovers[0], published.keys) == list(published.keys[:2])


def test_a_key_that_nobody_handed_over_to_is_told(npl_home):
    first = keys.signer().verifier
    lost = keys.rotate(None)
    assert keys.unknown_keys(keys.published_keys(), [first]) == [lost]
    forged = keys.PublicKeys(
        (first, SIGNER.verifier), (sign(Checkpoint("log", 5, bytes(32), (f"next-key {SIGNER.verifier}",)), SIGNER),)
    )
    assert keys.unknown_keys(forged, [first]) == [SIGNER.verifier]


@pytest.mark.parametrize("text", ["", "\n", "no key\n", f"{PETER}\n\nhalf a note\n"])
def test_what_is_no_file_of_public_keys_is_told(tmp_path, text):
    (tmp_path / "log.pub").write_text(text)
    with pytest.raises(UsageError, match=r"no file of public keys"):
        keys.read_public_keys(tmp_path / "log.pub")
