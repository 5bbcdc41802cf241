"""`npl release verify` finds one changed byte of any file, and what is missing or was added."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from small_release import small_release

from ingest import release
from ingest.paths import Home
from ingest.receipts.release_log import CONSISTENCY
from ingest.release.folder import CHECKSUMS


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    with small_release(tmp_path_factory.mktemp("verify")) as own:
        yield own


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@hypothesis_settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.floats(min_value=0, max_value=1, exclude_max=True), flip=st.integers(min_value=1, max_value=255))
def test_one_changed_byte_of_any_file_is_found(home, place, flip):
    folder = release.find_release(None)
    files = bytes_of(folder)
    assert {release.MANIFEST, release.DATABASE, CHECKSUMS, CONSISTENCY} < files.keys()
    for name, kept in files.items():
        changed = bytearray(kept)
        changed[int(place * len(kept))] ^= flip
        (folder / name).write_bytes(changed)
        try:
            problems = release.verify(None)
        finally:
            (folder / name).write_bytes(kept)
        assert any(name == CHECKSUMS or en.startswith(f"{name}:") for _, en in problems), (name, problems)


def test_a_missing_file_and_an_added_one_are_found(home):
    folder = release.find_release(None)
    for name, kept in bytes_of(folder).items():
        (folder / name).unlink()
        try:
            if name == release.MANIFEST:
                continue  # without its manifest a folder is no release
            assert any(en.startswith(f"{name}: missing") for _, en in release.verify(None)), name
        finally:
            (folder / name).write_bytes(kept)
    extra = folder / "market" / "notes.txt"
    extra.write_text("")
    try:
        assert ("market/notes.txt: not part of the release") in [en for _, en in release.verify(None)]
    finally:
        extra.unlink()
    assert release.verify(None) == []
