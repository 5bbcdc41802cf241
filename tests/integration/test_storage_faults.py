"""A full disk, a folder that nobody may write, a damaged registry, lost bytes: told to the operator, and survived."""

import itertools
import os
import shutil
import sqlite3
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from crashes import CREATING, break_off
from exactly_once import (
    assert_each_once,
    assert_sound,
    decide_next,
    differences,
    end_state,
    filed,
    finish,
    put,
    run,
    settle,
)
from filings import FILER

from ingest import registry, registry_tables
from ingest.errors import REPAIR, StorageError
from ingest.landing import landed_entry
from ingest.lanes import decide_lane, lanes
from ingest.paths import Home, home
from ingest.receive import receive_waiting

__all__ = ["filed"]

OTHER_FILER = "SLYH02"
DISK_FULL = os.strerror(28)


def decide_all() -> None:
    decide_lane(lanes((each.filing_id for each in registry.undecided()), 1)[0])


def states() -> list[str]:
    return [each.state for each in registry.all_filings()]


# --- disk full -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("work", [receive_waiting, decide_next])
def test_a_disk_that_is_full_at_any_moment_is_told_and_the_next_run_ends_well(
    filed: Home, tmp_path: Path, work: Callable[[], object]
) -> None:
    if work is decide_next:
        decide_next()  # the correction, with its held row, is the next
    shutil.copytree(filed.root, tmp_path / "kept")
    work()
    settle()
    expected, decided = end_state(), len(registry.rows_of(registry_tables.decisions))
    told: Counter[str] = Counter()
    for after in itertools.count():
        shutil.rmtree(filed.root)
        shutil.copytree(tmp_path / "kept", filed.root)
        broken = break_off(work, filed.root, after, "disk full")
        if broken.operation is None:
            break
        if broken.operation not in CREATING:
            continue  # as good as full from the next one on that creates something
        assert_sound()
        if broken.error is not None:
            assert isinstance(broken.error, StorageError), repr(broken.error)
            assert DISK_FULL in broken.error.en
            assert REPAIR[0] in broken.error.zh
            told[broken.operation] += 1
        finish(decided)
        settle()
        assert differences(expected, end_state()) == {}, f"{broken.operation}, operation {after}"
    assert told["open"] >= 3, told
    assert told["os.mkdir"] >= 3, told


if os.geteuid() == 0:  # mounting is for root

    @pytest.fixture
    def small_disk(filed: Home) -> Iterator[Home]:
        """The same home on a disk of its own."""
        kept = filed.root.with_name("kept")
        os.rename(filed.root, kept)
        filed.root.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", filed.root], check=True)
        shutil.copytree(kept, filed.root, dirs_exist_ok=True)
        yield filed
        subprocess.run(["umount", "--lazy", filed.root], check=True)

    @pytest.mark.parametrize("free_kb", [0, 16, 64, 128, 192])
    def test_a_disk_that_is_really_full_loses_nothing(small_disk: Home, free_kb: int) -> None:
        ballast = small_disk.root / "ballast"
        free = shutil.disk_usage(small_disk.root).free
        ballast.write_bytes(b"\1" * (free - free_kb * 1024))
        with pytest.raises(StorageError) as told:
            run()
        assert REPAIR[0] in told.value.zh
        ballast.unlink()
        assert_sound()
        run()
        settle()
        assert_each_once()


def fill_registry(filing_id: str) -> None:
    """Write until the last page has no room left."""
    for _ in range(1000):
        registry.set_state(filing_id, "error", detail="x" * 400)


def test_a_registry_that_cannot_grow_is_told_and_the_filing_waits(filed: Home) -> None:
    filing_id = receive_waiting()[0]

    def no_more_pages(connection: sqlite3.Connection, _: object) -> None:
        connection.execute("PRAGMA max_page_count = 1")  # it stays at what there is

    sa.event.listen(sa.Engine, "connect", no_more_pages)
    try:
        with pytest.raises(StorageError, match="database or disk is full") as told:
            fill_registry(filing_id)
        with pytest.raises(StorageError, match="database or disk is full"):
            decide_all()
    finally:
        sa.event.remove(sa.Engine, "connect", no_more_pages)
    assert REPAIR[0] in told.value.zh
    assert registry.in_force() == []
    assert_sound()
    decide_all()
    assert sorted(states()) == ["accepted_with_holds", "rejected", "superseded"]
    assert_sound()


# --- what cannot be written ------------------------------------------------------------------------------------------


def test_an_outbox_that_cannot_be_written_stops_its_own_institution_alone_and_no_verdict_is_recorded(
    filed: Home,
) -> None:
    put("1 elsewhere", "tree_id,height_cm", "T-1,100", sequence=1, folder=OTHER_FILER, institution=OTHER_FILER)
    filed.outbox.mkdir()
    (filed.outbox / FILER).write_text("a file where the folder should be")
    with pytest.raises(StorageError) as told:
        run()
    waiting = {each.filing_id: each.sequence for each in registry.undecided()}
    assert sorted(waiting.values()) == [1, 2, 3]
    # the second corrects the first, so it only waits
    assert [number for name, number in waiting.items() if name in told.value.en] == [1, 3]
    assert str(filed.outbox / FILER) in told.value.en
    assert REPAIR[1] in told.value.en
    assert [each.state for each in registry.in_force()] == ["accepted"]
    assert {row["filing_id"] for row in registry.rows_of(registry_tables.decisions)}.isdisjoint(waiting)
    assert_sound()
    (filed.outbox / FILER).unlink()
    run()
    assert registry.undecided() == []
    assert_sound()


# --- what is damaged or lost -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("damage", ["overwritten", "cut off"])
def test_a_damaged_registry_is_told_and_never_taken_for_an_empty_one(filed: Home, damage: str) -> None:
    receive_waiting()
    whole = filed.registry_file.read_bytes()
    damaged = b"no database" * 1000 if damage == "overwritten" else whole[:8192]
    filed.registry_file.write_bytes(damaged)
    with pytest.raises(StorageError, match="damaged") as told:
        run()
    assert "备份" in told.value.zh
    assert filed.registry_file.read_bytes() == damaged
    filed.registry_file.write_bytes(whole)
    run()
    assert_each_once()


@pytest.mark.parametrize("loss", ["folder gone", "empty folder", "one byte changed", "one file gone"])
def test_lost_or_changed_bytes_are_told_and_no_reason_to_reject(filed: Home, tmp_path: Path, loss: str) -> None:
    receive_waiting()
    lost = next(each for each in registry.all_filings() if each.sequence == 1)
    place = home().landed(lost.sha256)
    shutil.copytree(place, tmp_path / "backup")
    if loss == "folder gone":
        shutil.rmtree(place)
    elif loss == "empty folder":
        shutil.rmtree(landed_entry(lost.sha256))
    elif loss == "one file gone":
        (landed_entry(lost.sha256) / "basket.csv").unlink()
    else:
        file = landed_entry(lost.sha256) / "basket.csv"
        file.write_bytes(file.read_bytes().replace(b"90", b"91", 1))
    with pytest.raises(StorageError) as told:
        decide_all()
    assert lost.filing_id in told.value.en
    assert str(place) in told.value.en
    assert "备份" in told.value.zh
    assert sorted(states()) == ["received", "received", "rejected"]  # its correction waits for it
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(tmp_path / "backup", place)
    decide_all()
    settle()
    assert_each_once()
