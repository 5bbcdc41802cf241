"""What a worker keeps and does for several filings at once changes nothing of what each of them comes to."""

import json
import shutil
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import duckdb
import pytest
from exactly_once import BASKETS, LINES, PERIOD, differences, end_state, filed, put, run  # noqa: F401 (a fixture)
from filings import FILER

from expectations import filed_rows
from ingest import accept, check, kept_work, registry
from ingest.config import settings
from ingest.errors import JudgeError
from ingest.in_force import FilingsInForce
from ingest.lanes import decide_lane
from ingest.paths import Home, write_folder
from ingest.receive import receive_waiting


def count_calls(monkeypatch: pytest.MonkeyPatch, module: Any, name: str) -> list[int]:
    """How many filings each call to this function was given."""
    calls: list[int] = []
    function = getattr(module, name)

    def counted(con: Any, standard: Any, table: str, together: list[Any], *rest: Any) -> Any:
        calls.append(len(together))
        return function(con, standard, table, together, *rest)

    monkeypatch.setattr(module, name, counted)
    return calls


def alone(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the filings come to when every one has a work database of its own."""
    with monkeypatch.context() as patch:
        patch.setattr(check, "kept_work", lambda standard: nullcontext())
        run()
        return decided()


def decided() -> dict[str, Any]:
    """What the filings came to, without what was locked meanwhile."""
    state = end_state()
    return state | {"files": {name: each for name, each in state["files"].items() if not name.startswith("work/")}}


@pytest.fixture
def twice(filed: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:  # noqa: F811
    """What the filings come to one by one; the home that is current holds them undecided."""
    put("4 more", BASKETS, *LINES, "B-9,91", "B-9,92", sequence=4)
    shutil.copytree(filed.root, tmp_path / "again")
    expected = alone(monkeypatch)
    monkeypatch.setenv("NPL_HOME", str(tmp_path / "again"))
    settings.cache_clear()
    return expected


def test_a_chunk_comes_to_what_its_filings_come_to_one_by_one(
    twice: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    together = count_calls(monkeypatch, kept_work, "type_together")
    typed_alone, type_rows = [], filed_rows.type_rows
    monkeypatch.setattr(filed_rows, "type_rows", lambda *given: typed_alone.append(given[-1]) or type_rows(*given))
    run()
    assert differences(twice, decided()) == {}
    assert together == [3, 4], "the baskets of three, and what is known of all four filings"
    assert typed_alone == ["filing", "tree"], "the correction, whose original was not accepted yet; trees of one filing"


def test_a_chunk_that_cannot_be_typed_together_is_typed_one_by_one(
    twice: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(con: duckdb.DuckDBPyConnection, *_: Any) -> None:
        con.execute("select error('one of them')")

    monkeypatch.setattr(kept_work, "type_together", broken)
    run()
    assert differences(twice, decided()) == {}


def test_the_fault_of_one_filing_of_a_chunk_is_its_own(twice: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    together = count_calls(monkeypatch, kept_work, "type_together")
    judge = check._judge_of_record

    def broken(work: Any, standard: Any, content: Any, record: registry.FilingRecord) -> Any:
        if record.sequence == 1:
            raise JudgeError("坏了", "broken")
        return judge(work, standard, content, record)

    with monkeypatch.context() as patch:
        patch.setattr(check, "_judge_of_record", broken)
        run()
    states = {record.sequence: record.state for record in registry.all_filings()}
    assert states == {1: "error", 2: "received", 3: "rejected", 4: "accepted"}, "the correction waits for the original"
    assert together == [3, 4, 2]
    run()
    assert together == [3, 4, 2, 2, 2], "what was typed before the fault is not trusted after it"
    assert decided()["decisions"] == twice["decisions"]


def test_what_is_in_force_is_followed_along_the_log_and_read_anew_from_another_log(filed: Home) -> None:  # noqa: F811
    followed = FilingsInForce()
    assert followed.now() == []
    original, *others = receive_waiting()
    decide_lane([original])
    registry_then = filed.registry_file.read_bytes()
    assert [each.filing_id for each in followed.now()] == [original]
    correction, rejected = others
    seen = []
    for filing_id in (correction, rejected):
        accept.decide(filing_id)
        assert followed.now() == registry.in_force()
        seen.append([each.filing_id for each in followed.now()])
    assert seen == [[correction], [correction]]
    said = {"institution": FILER, "period": PERIOD, "sequence": 5, "kind": "withdrawal", "replaces": correction}
    write_folder(filed.inbox / FILER / "5 withdrawal", {"filing.json": json.dumps(said | {"tables": []}).encode()})
    run()
    assert followed.now() == registry.in_force()
    assert correction not in [each.filing_id for each in followed.now()]
    for left in filed.root.glob("registry.sqlite-*"):
        left.unlink()
    filed.registry_file.write_bytes(registry_then)
    assert [each.filing_id for each in followed.now()] == [original]
