"""Exactly once: wherever a run is killed, the next one ends as if nothing had happened."""

import random
import shutil
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from crashes import KILLED, break_off, kill_from_outside
from exactly_once import (
    FILINGS,
    assert_each_once,
    assert_sound,
    decide_next,
    differences,
    end_state,
    filed,
    finish,
    run,
    settle,
)
from judging import orchard
from small_release import small_release

from ingest import release, warehouse
from ingest.paths import Home, home, scratch
from ingest.receive import receive_waiting

__all__ = ["filed"]


def break_off_everywhere(work: Callable[[], object], again: Callable[[], object], kept: Path) -> Counter[str]:
    """Kill `work` at each of its operations, let `again` run, and compare with a run that was not killed.

    `kept` is where the home as it is now is put aside. Returns how often each kind of operation was hit.
    """
    root = home().root
    shutil.copytree(root, kept)
    work()
    settle()
    expected = end_state()
    hit: Counter[str] = Counter()
    while True:
        shutil.rmtree(root)
        shutil.copytree(kept, root)
        broken = break_off(work, root, after=hit.total())
        if broken.operation is None:
            assert (broken.exit_code, broken.error) == (0, None)
            return hit
        assert broken.exit_code == KILLED, broken
        hit[broken.operation] += 1
        assert_sound()
        again()
        settle()
        assert differences(expected, end_state()) == {}, f"{broken.operation}, operation {hit.total()}"


def test_killed_while_receiving(filed: Home, tmp_path: Path) -> None:
    hit = break_off_everywhere(receive_waiting, receive_waiting, tmp_path / "kept")
    assert hit["commit"] >= FILINGS, hit
    assert not list(filed.inbox.glob("*/*"))


@pytest.mark.parametrize("decided", range(FILINGS))
def test_killed_while_deciding(filed: Home, tmp_path: Path, decided: int) -> None:
    finish(decided)
    hit = break_off_everywhere(decide_next, lambda: finish(decided + 1), tmp_path / "kept")
    assert hit["commit"] >= 3, hit
    assert hit["os.rename"] >= 4, hit


def test_killed_while_publishing(tmp_path: Path) -> None:
    with small_release(tmp_path) as small:
        hit = 0
        for after in range(0, 1000, 5):  # every fifth operation: a release is a hundred of them
            shutil.rmtree(small.releases)
            broken = break_off(release.publish, small.root, after)
            if broken.operation is None:
                break
            hit += 1
            whole = [path.name for path in small.releases.glob("[!.]*/")]
            assert all(release.verify(name) == [] for name in whole), broken
            published = release.publish()
            assert release.verify(published) == []
            assert sorted(path.name for path in small.releases.iterdir()) == sorted([published, "latest.json"])
        assert hit >= 5


def test_a_scratch_folder_that_is_in_use_is_left_alone(npl_home: Home) -> None:
    with scratch() as first, scratch() as second:
        assert first.is_dir()
        assert second.is_dir()
    assert not first.exists()
    assert not second.exists()


def test_killed_from_outside_at_random_moments(filed: Home, tmp_path: Path) -> None:
    root = filed.root
    shutil.copytree(root, tmp_path / "kept")
    started = time.monotonic()
    run()
    seconds = time.monotonic() - started
    settle()
    assert_each_once()
    expected = end_state()
    moments = random.Random(2026)
    killed = 0
    for _ in range(5):
        shutil.rmtree(root)
        shutil.copytree(tmp_path / "kept", root)
        killed += kill_from_outside(run, moments.uniform(0.1, 0.9) * seconds)
        assert_sound()
        run()
        settle()
        assert_each_once()
        assert differences(expected, end_state()) == {}
    assert killed


def test_killed_while_the_warehouse_is_built(filed: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warehouse, "load_standard", orchard)

    def dbt_build(database: Path) -> Path:
        database.write_bytes(b"what dbt makes")
        return database  # in place of dbt's manifest

    monkeypatch.setattr(warehouse, "_update_or_rebuild", dbt_build)
    monkeypatch.setattr(warehouse, "_write_public", lambda database, inputs: None)
    run()
    hit = break_off_everywhere(warehouse.build, warehouse.build, tmp_path / "kept")
    assert hit["os.rename"] > 10, hit
    assert warehouse.is_current()
    exported = {file.stem: pq.read_metadata(file).num_rows for file in filed.operations.glob("*.parquet")}
    assert exported["filings"] == FILINGS
