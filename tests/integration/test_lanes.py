"""Which filings are decided one after the other, which side by side, and what eight processes on one home come to."""

import datetime
import json
import logging
import subprocess
import sys
from typing import Any

import duckdb
import pytest
from filings import FILER, NOTICE, put, sale_notice

from ingest import accept, registry, registry_tables
from ingest.config import PROJECT_DIR
from ingest.errors import StorageError
from ingest.lanes import decide_lane, lanes
from ingest.paths import Home

FIRST_MINUTE = datetime.datetime(2026, 4, 1, 9, 0)


def received(*filings: tuple[str, str], replaces: dict[str, str] | None = None) -> list[str]:
    """Register filings (id, subject) as received one a minute in this order; their ids."""
    for minute, (filing_id, subject) in enumerate(filings):
        assert registry.register(
            {
                "filing_id": filing_id,
                "folder": subject,
                "name": filing_id,
                "sha256": filing_id,
                "institution_id": subject,
                "subject_id": subject,
                "replaces": (replaces or {}).get(filing_id),
                "received_at": FIRST_MINUTE + datetime.timedelta(minutes=minute),
            }
        )
    return [filing_id for filing_id, _ in filings]


def test_all_filings_about_one_institution_are_in_one_lane_in_the_order_in_which_they_came(npl_home: Home) -> None:
    ids = received(("a1", "A"), ("b1", "B"), ("a2", "A"), ("c1", "C"), ("b2", "B"), ("a3", "A"))
    assert lanes(reversed(ids), 2) == [["a1", "a2", "a3"], ["b1", "c1", "b2"]]
    assert lanes(ids, 1) == [ids]


def test_lanes_hold_about_as_many_filings_each_and_none_is_empty(npl_home: Home) -> None:
    sizes = {"A": 7, "B": 4, "C": 3, "D": 2}
    ids = received(*((f"{name}{number}", name) for name, size in sizes.items() for number in range(size)))
    assert [len(lane) for lane in lanes(ids, 2)] == [9, 7]
    assert [len(lane) for lane in lanes(ids, 9)] == [7, 4, 3, 2]
    assert sorted(filing_id for lane in lanes(ids, 3) for filing_id in lane) == sorted(ids)
    assert lanes([], 3) == []


def test_what_a_correction_names_comes_before_it_and_nothing_else_changes_place(npl_home: Home) -> None:
    named = {"second": "first", "third": "second", "withdrawal": "elsewhere"}
    ids = received(("withdrawal", "A"), ("third", "A"), ("other", "A"), ("second", "A"), ("first", "A"), replaces=named)
    assert lanes(ids, 1) == [["withdrawal", "first", "second", "third", "other"]]


def test_two_filings_that_name_each_other_are_both_decided(npl_home: Home) -> None:
    ids = received(("a", "A"), ("b", "A"), replaces={"a": "b", "b": "a"})
    assert [sorted(lane) for lane in lanes(ids, 1)] == [ids]


def test_a_filing_that_fails_is_named_and_the_others_of_its_lane_are_decided(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def decide(filing_id: str, after: list[str]) -> str:
        if filing_id == "b":
            raise StorageError("盘满", "disk full")
        if filing_id == "c":
            raise ZeroDivisionError
        return "accepted"

    monkeypatch.setattr(accept, "decide", decide)
    with caplog.at_level(logging.INFO, "ingest.lanes"), pytest.raises(StorageError) as failure:
        decide_lane(["a", "b", "c", "d"])
    assert failure.value.en == "2 filings could not be decided: b, c.\ndisk full"
    verdicts = [record for record in caplog.records if record.levelno == logging.INFO]
    assert [(record.message, record.filing_id) for record in verdicts] == [("a accepted", "a"), ("d accepted", "d")]
    causes = [record.message.splitlines() for record in caplog.records if record.levelno == logging.ERROR]
    assert [(cause[0], cause[-1]) for cause in causes] == [
        ("b is not decided", "disk full"),
        ("c is not decided", "ZeroDivisionError"),
    ]
    assert decide_lane(["a", "d"]) == {"a": "accepted", "d": "accepted"}


# Warm before eight processes are split off: GX is imported and has its suites after the first filing. Each process
# takes what waits in an order of its own.
EIGHT_PROCESSES = """
import os, sys
from ingest.accept import decide
from ingest.receive import receive_waiting
decide(receive_waiting()[0])
for number in range(2, 17):
    os.rename(f"{sys.argv[1]}/filing {number:02}.part", f"{sys.argv[1]}/filing {number:02}")
children = []
for number in range(8):
    child = os.fork()
    if child == 0:
        try:
            ids = sorted(receive_waiting())
            for filing_id in ids[2 * number:] + ids[:2 * number]:
                decide(filing_id)
        except BaseException:
            sys.excepthook(*sys.exc_info())
            os._exit(1)
        os._exit(0)
    children.append(child)
sys.exit(max(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children))
"""


def test_eight_processes_at_once_on_one_home_lose_nothing_and_double_nothing(npl_home: Home) -> None:
    for number in range(1, 17):
        # two of each sequence: one of them is accepted, whichever comes first
        row = sale_notice(
            notice_id=f"GG-{number}",
            project_code=f"SLXJ01-2026-{number:03}",
            package_name=f"示例第一消费金融有限公司关于2026年第{number}期个人不良贷款（个人消费贷款）转让项目",
        )
        put(f"filing {number:02}{'.part' if number > 1 else ''}", [row], sequence=(number + 1) // 2)
    inbox = str(npl_home.inbox / FILER)
    done = subprocess.run(
        [sys.executable, "-c", EIGHT_PROCESSES, inbox], cwd=PROJECT_DIR, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    filings = registry.all_filings()
    assert len(filings) == 16
    accepted: dict[Any, list[str]] = {}
    for record in filings:
        accepted.setdefault(record.sequence, []).append(record.state)
    assert {sequence: sorted(states) for sequence, states in accepted.items()} == {
        sequence: ["accepted", "rejected"] for sequence in range(1, 9)
    }
    entries = registry.rows_of(registry_tables.log_entries)
    assert [entry["position"] for entry in entries] == list(range(16))
    assert len({entry["filing_id"] for entry in entries}) == 16
    assert {json.loads(entry["leaf"])["filing"] for entry in entries} == {record.filing_id for record in filings}
    assert len(registry.rows_of(registry_tables.decisions)) == 16
    verdicts = [row["state"] for row in registry.rows_of(registry_tables.states) if row["state"] in registry.FINAL]
    assert len(verdicts) == 16
    files = [str(file) for file in (npl_home.accepted / NOTICE).rglob("*.parquet")]
    kept = duckdb.sql(f"select filing_id from read_parquet({files}, hive_partitioning = false)").fetchall()
    assert sorted(name for (name,) in kept) == sorted(
        record.filing_id for record in filings if record.state == "accepted"
    )
    assert not list((npl_home.inbox / FILER).iterdir())
