"""The log in the registry: proofs that never hash it all, many who ask at once, and releases that continue it."""

import datetime
import json
import shutil
import threading

import duckdb
import pytest
import sqlalchemy as sa

from ingest import registry, release
from ingest.errors import StorageError
from ingest.receipts import log, merkle
from ingest.receipts.keys import PUBLIC_KEYS, published_keys, rotate
from ingest.receipts.release_log import CONSISTENCY
from ingest.registry_tables import decisions, filings, log_entries, log_nodes, states

NOON = datetime.datetime(2026, 4, 1, 12)


def decided(first: int, count: int) -> None:
    """Put `count` decided filings into the registry, the log's positions from `first` on."""
    with registry.transaction(writing=True) as connection:
        for number in range(first, first + count):
            filing_id, at = f"SLXJ01-2026-03-{number:04d}", NOON + datetime.timedelta(seconds=number)
            identity = {"institution_id": "SLXJ01", "subject_id": "SLXJ01", "received_at": at}
            connection.execute(
                filings.insert().values(
                    filing_id=filing_id, folder="SLXJ01", name="march", sha256=f"{number:064x}", **identity
                )
            )
            digests = dict.fromkeys(("standard_sha256", "report_sha256"), "0" * 64)
            counts = dict.fromkeys(("rows_filed", "rows_accepted", "rows_held"), 0)
            connection.execute(
                decisions.insert().values(
                    filing_id=filing_id, verdict="rejected", standard_version="2.0", **digests, **counts
                )
            )
            connection.execute(log_entries.insert().values(position=number, filing_id=filing_id, leaf=f"leaf {number}"))
            connection.execute(states.insert().values(filing_id=filing_id, state="rejected", at=at))


def leaf(position: int) -> bytes:
    return merkle.leaf_hash(f"leaf {position}".encode())


def test_proofs_from_the_registry_verify_while_the_log_grows(npl_home):
    roots = {}
    for size, added in ((1, 1), (2, 1), (7, 5), (8, 1), (21, 13)):
        decided(size - added, added)
        roots[size] = log.checkpoint("log", size).root
        for position in range(size):
            path = log.inclusion_proof(position, size)
            assert merkle.verify_inclusion(leaf(position), position, size, path, roots[size])
    for first, second in ((1, 2), (2, 7), (7, 21), (8, 21)):
        path = log.consistency_proof(first, second)
        assert merkle.verify_consistency(first, second, roots[first], roots[second], path)
    assert log.checkpoint("log", 7).root == roots[7]


def test_a_proof_reads_few_rows_and_no_leaf_of_a_long_log(npl_home, monkeypatch):
    decided(0, 600)
    log.checkpoint("log", 600)
    decided(600, 1)
    asked: list[str] = []

    class Counting(log._Nodes):
        def __call__(self, level: int, index: int) -> bytes:
            asked.append(f"{level}/{index}")
            return super().__call__(level, index)

    monkeypatch.setattr(log, "_Nodes", Counting)
    hashed: list[bytes] = []
    last = leaf(600)
    monkeypatch.setattr(merkle, "leaf_hash", lambda content: hashed.append(content) or last)
    assert len(log.inclusion_proof(600, 601)) == 4  # 600 is 512 + 64 + 16 + 8
    assert hashed == [b"leaf 600"]
    assert 0 < len(asked) < 12


def test_workers_that_hash_at_once_agree(npl_home):
    decided(0, 40)
    found: list[bytes] = []
    workers = [threading.Thread(target=lambda: found.append(log.checkpoint("log", 40).root)) for _ in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(found) == 6
    assert len(set(found)) == 1
    with registry.transaction() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(log_nodes)).scalar() == 40


def test_a_log_with_a_gap_proves_nothing(npl_home):
    decided(0, 3)
    decided(4, 1)
    with pytest.raises(StorageError, match="lacks entry 3"):
        log.checkpoint("log", 5)


def test_the_size_of_the_log_at_a_state_counts_the_decisions_until_then(npl_home):
    decided(0, 3)
    registry.set_state("SLXJ01-2026-03-0000", "withdrawn")
    decided(3, 2)
    rows = registry.rows_of(states)
    assert [log.size_at(row["state_id"]) for row in rows] == [1, 2, 3, 3, 4, 5]


@pytest.fixture
def warehouse(npl_home):
    """A market database of one table: what is released matters little here."""
    npl_home.warehouse.parent.mkdir(parents=True)
    with duckdb.connect(str(npl_home.warehouse)) as con:
        con.execute("create schema core")
        con.execute("create table core.dim_packages as select 1 as package")
    return npl_home


def manifest_of(release_id: str) -> dict:
    return json.loads((release.find_release(release_id) / release.MANIFEST).read_text(encoding="utf-8"))


def test_each_release_shows_that_its_log_continues_the_one_before(warehouse):
    first = release.publish()
    decided(0, 3)
    second = release.publish()
    decided(3, 4)
    third = release.publish()
    assert [manifest_of(each)["log"]["size"] for each in (first, second, third)] == [0, 3, 7]
    said = json.loads((warehouse.release(third) / CONSISTENCY).read_text())
    assert said["previous_release"] == second
    assert said["previous_checkpoint"] == manifest_of(second)["log"]["checkpoint"]
    assert [release.verify(each) for each in (first, second, third)] == [[], [], []]


def test_a_release_made_again_from_the_same_filings_says_the_same_of_the_log_to_the_byte(warehouse):
    decided(0, 3)
    release.publish()
    decided(3, 4)
    made = warehouse.release(release.publish())
    before = [(made / name).read_bytes() for name in (CONSISTENCY, PUBLIC_KEYS)], manifest_of(made.name)["log"]
    shutil.rmtree(made)
    assert release.publish() == made.name
    after = [(made / name).read_bytes() for name in (CONSISTENCY, PUBLIC_KEYS)], manifest_of(made.name)["log"]
    assert after == before


def test_a_release_whose_log_was_rewritten_since_the_last_one_is_told(warehouse):
    decided(0, 3)
    kept = release.publish()
    with registry.transaction(writing=True) as connection:
        connection.execute(log_entries.update().where(log_entries.c.position == 1).values(leaf="another verdict"))
        connection.execute(log_nodes.delete())
    decided(3, 1)
    forged = release.publish()
    assert release.verify(kept) == []
    assert any("does not continue" in en for _, en in release.verify(forged))


def test_a_log_state_that_our_key_did_not_sign_is_told(warehouse):
    decided(0, 3)
    folder = warehouse.release(release.publish())
    manifest = json.loads((folder / release.MANIFEST).read_text())
    for change in (
        {"size": 4},
        {"root": "AAAA"},
        {"checkpoint": manifest["log"]["checkpoint"].replace("\n3\n", "\n4\n")},
    ):
        forged = manifest | {"log": manifest["log"] | change}
        (folder / release.MANIFEST).write_text(json.dumps(forged))
        assert any("not signed by our keys" in en for _, en in release.verify(folder.name)), change


@pytest.mark.parametrize(
    "forged", [None, "{}", '{"previous_release": null, "previous_checkpoint": null, "consistency_proof": []}']
)
def test_a_release_that_hides_the_one_before_is_told(warehouse, forged):
    decided(0, 3)
    release.publish()
    decided(3, 1)
    consistency = warehouse.release(release.publish()) / CONSISTENCY
    consistency.unlink()
    if forged:
        consistency.write_text(forged)
    assert [en for _, en in release.verify(None) if CONSISTENCY in en]


def test_a_release_without_public_keys_is_told_where_the_platform_has_none(warehouse):
    decided(0, 3)
    folder = warehouse.release(release.publish())
    shutil.rmtree(warehouse.keys)
    assert release.verify(None) == []
    (folder / PUBLIC_KEYS).unlink()
    assert any("no public key file" in en for _, en in release.verify(None))


def test_releases_of_before_and_after_a_rotation_verify(warehouse):
    decided(0, 3)
    before = release.publish()
    rotate(log.checkpoint(published_keys().present.name, 3))
    decided(3, 1)
    after = release.publish()
    assert (release.verify(before), release.verify(after)) == ([], [])
    assert len((warehouse.release(after) / PUBLIC_KEYS).read_text().split("\n\n")[0].splitlines()) == 2
