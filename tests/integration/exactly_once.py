"""For tests: a home with three small filings, what must hold in it at every moment, and what it comes to in the end."""

import json
import re
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from filings import FILER
from judging import orchard

from ingest import accept, check, receive, registry, registry_tables, workbench
from ingest.config import settings
from ingest.landing import content_digest, landed_entry
from ingest.lanes import decide_lane, lanes
from ingest.paths import Home, file_digest, home, scratch, write_folder
from ingest.receipts.keys import published_keys
from ingest.receipts.receipt import RECEIPT_JSON, Receipt
from ingest.receipts.verify import receipt_problems
from ingest.receive import receive_waiting
from ingest.report.answer import REPORT_JSON

STATES = re.compile(r"received( read( checked)?)* (accepted|accepted_with_holds|rejected)( superseded)?")
PERIOD = "2026-03"
TREES, BASKETS = "tree_id,height_cm", "basket_id,weight_kg"
LINES = [f"B-{number},90" for number in range(4)]
FILINGS = 3


def put(name: str, header: str, *lines: str, sequence: int, folder: str = FILER, **said: Any) -> None:
    """Drop a filing of one table into the inbox as a folder, or as a ZIP if its name says so."""
    table = header.partition("_")[0]
    content = "\n".join((header, *lines, "")).encode()
    manifest = {
        "institution": FILER,
        "period": PERIOD,
        "sequence": sequence,
        "kind": "original",
        "tables": [{"table": table, "file": f"{table}.csv", "rows": len(lines)}],
    } | said
    files = {"filing.json": json.dumps(manifest).encode(), f"{table}.csv": content}
    place = home().inbox / folder / name
    place.parent.mkdir(parents=True, exist_ok=True)
    if place.suffix == ".zip":
        with zipfile.ZipFile(place, "w") as archive:
            for file, each in files.items():
                archive.writestr(file, each)
    else:
        write_folder(place, files)


@pytest.fixture
def filed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    """A home with three filings in its inbox: accepted, a correction of it with a held row, rejected.

    They are filings under the small standard of tests, judged without Great Expectations: the same path, and quick.
    """
    for module in (accept, receive, workbench):
        monkeypatch.setattr(module, "load_standard", orchard)
    monkeypatch.setattr(
        check, "_judge_of_record", lambda work, standard, content, *_: check._direct(work, standard, content)
    )
    monkeypatch.setenv("NPL_HOME", str(tmp_path / "home"))
    settings.cache_clear()
    put("1 original", BASKETS, *LINES, "B-4,90", sequence=1)
    original = f"{FILER}-{PERIOD}-0001-{content_digest(home().inbox / FILER / '1 original')[:8]}"
    put("2 correction", BASKETS, *LINES, "B-4,100", sequence=2, kind="correction", replaces=original)
    put("3 rejected.zip", TREES, "T-1,501", sequence=3)
    yield home()
    settings.cache_clear()


def run() -> None:
    """What the DAG `ingest_filings` does, in one lane."""
    for lane in lanes(receive_waiting(), 1):
        decide_lane(lane)


def rows_of_zones() -> dict[str, list[dict[str, Any]]]:
    """What a reader of the whole zone finds, by zone."""
    return {
        zone.name: [
            row
            for file in sorted(zone.glob("**/*.parquet"))
            for row in pq.read_table(file, partitioning=None).to_pylist()
        ]
        for zone in (home().accepted, home().held)
    }


def recorded(table: Any, *apart_from: str) -> list[dict[str, Any]]:
    rows = [{name: value for name, value in row.items() if name not in apart_from} for row in registry.rows_of(table)]
    return sorted(rows, key=str)


def log_of_decisions() -> list[tuple[int, dict[str, str]]]:
    """Place and content of every entry of the log, without what is of its moment alone."""
    entries = registry.rows_of(registry_tables.log_entries)
    return [(each["position"], json.loads(each["leaf"]) | {"salt": "", "received_at": ""}) for each in entries]


def end_state() -> dict[str, Any]:
    """All that must not depend on how often a run was broken off."""
    of_the_moment = home().keys, home().steps
    return {
        "filings": recorded(registry_tables.filings, "received_at"),
        "decisions": recorded(registry_tables.decisions),
        "rule results": recorded(registry_tables.rule_results),
        "completeness": recorded(registry_tables.completeness),
        "findings": recorded(registry_tables.findings),
        "log": log_of_decisions(),
        "rows": rows_of_zones(),
        "landed": sorted(content_digest(landed_entry(each.sha256)) for each in registry.all_filings()),
        "files": {
            str(path.relative_to(home().root)): _content(path)
            for path in sorted(home().root.rglob("*"))
            if path.is_file() and path.suffix != ".parquet" and not any(map(path.is_relative_to, of_the_moment))
        },
    }


def differences(expected: dict[str, Any], found: dict[str, Any]) -> dict[str, Any]:
    """What is not as expected, by kind: each as (expected, found) without what they share."""
    assert expected.keys() == found.keys()
    different = {kind: (expected[kind], found[kind]) for kind in expected if expected[kind] != found[kind]}
    if "files" in different:
        different["files"] = tuple(
            sorted(one.items() - other.items()) for one, other in _both_ways(*different["files"])
        )
    return different


def _both_ways(one: Any, other: Any) -> list[tuple[Any, Any]]:
    return [(one, other), (other, one)]


def _content(path: Path) -> str:
    """Of a file that tells its moment (registry, receipt, public keys) only that it is there."""
    of_its_moment = path.name.startswith(home().registry_file.name) or path.name in (RECEIPT_JSON, "log.pub")
    return "" if of_its_moment else file_digest(path)


def assert_sound() -> None:
    """What holds at every moment, even after a kill: nothing counts that is not whole, answered and recorded."""
    rows_of_zones()  # each file that a reader would open is whole
    for record in registry.in_force():
        (decision,) = [
            each for each in registry.rows_of(registry_tables.decisions) if each["filing_id"] == record.filing_id
        ]
        assert file_digest(home().answer(record.folder, record.filing_id) / REPORT_JSON) == decision["report_sha256"]
        kept = [row for row in rows_of_zones()["accepted"] if row["filing_id"] == record.filing_id]
        assert len(kept) == decision["rows_accepted"] > 0
    for place in home().landing.glob("[!.]*/*"):
        assert content_digest(landed_entry(place.name)) == place.name


def assert_each_once() -> None:
    """Every filing: one verdict after its other states, one entry of the log, one receipt that verifies."""
    states: dict[str, list[str]] = {}
    for row in registry.rows_of(registry_tables.states):
        states.setdefault(row["filing_id"], []).append(row["state"])
    assert len(states) == FILINGS
    for told in states.values():
        assert STATES.fullmatch(" ".join(told)), told
    assert [position for position, _ in log_of_decisions()] == list(range(FILINGS))
    assert len({leaf["filing"] for _, leaf in log_of_decisions()}) == FILINGS
    for record in registry.all_filings():
        receipt = Receipt.parse((home().answer(record.folder, record.filing_id) / RECEIPT_JSON).read_bytes())
        assert receipt_problems(receipt, published_keys().keys, content_digest(landed_entry(record.sha256))) == []
    assert not list(home().inbox.glob("*/*"))


def decide_next() -> None:
    """Receive what waits, as every run does first, and decide the one filing whose turn it is."""
    receive_waiting()
    decide_lane(lanes((each.filing_id for each in registry.undecided()), 1)[0][:1])


def finish(decided: int) -> None:
    """What the next run does after one that had this many filings to decide."""
    receive_waiting()
    while len(registry.rows_of(registry_tables.decisions)) < decided:
        decide_next()


def settle() -> None:
    """What any later run does first, whatever waits: it completes and clears up."""
    receive_waiting()
    with scratch():
        pass
