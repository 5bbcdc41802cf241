"""Receipts of decided filings: for every verdict, verifiable with the public key alone, and no byte can be changed."""

import json
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from filings import FILER, decide_all, put, sale_notice
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from ingest import accept, cli, receive, registry
from ingest.config import PROJECT_DIR, settings
from ingest.errors import StorageError
from ingest.landing import content_digest, landed_entry
from ingest.paths import Home
from ingest.receipts import issue, log
from ingest.receipts.audit import log_problems
from ingest.receipts.keys import PUBLIC_KEYS, published_keys, signer
from ingest.receipts.note import sign
from ingest.receipts.receipt import RECEIPT_JSON, Receipt
from ingest.receipts.verify import receipt_problems
from ingest.report.answer import REPORT_JSON

KINDS = ("accepted", "rejected", "unreadable")
BROKEN_TIE = {"principal_interest_cny": "77375977.30", "claim_total_cny": ""}


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Home, dict[str, str]]]:
    """A home with an accepted, a rejected and an unreadable filing; and their ids by what they are."""
    root = tmp_path_factory.mktemp("receipts") / "home"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NPL_HOME", str(root))
        patch.setenv("NPL_SETTLE_SECONDS", "0")
        settings.cache_clear()
        put("march", [sale_notice()])
        put("april", [sale_notice(**BROKEN_TIE)], period="2026-04")
        (root / "inbox" / FILER / "unreadable.zip").write_bytes(b"no archive")
        states = decide_all()
        assert sorted(states.values()) == ["accepted", "rejected", "rejected"]
        yield Home(root), {_kind(filing_id, state): filing_id for filing_id, state in states.items()}
    settings.cache_clear()


def _kind(filing_id: str, state: str) -> str:
    return "unreadable" if "unreadable" in filing_id else state


def answer(home: Home, filing_id: str) -> Path:
    return home.answer(FILER, filing_id)


def npl(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str]:
    """Exit code of an `npl` command and what it said."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.argv", ["npl", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
    told = capsys.readouterr()
    return int(ended.value.code or 0), told.out + told.err


@pytest.mark.parametrize("kind", KINDS)
def test_every_verdict_has_a_receipt_that_verifies_with_the_public_key_alone(
    platform, kind, capsys, tmp_path, monkeypatch
):
    home, filings = platform
    given_out = tmp_path / "filer"
    shutil.copytree(answer(home, filings[kind]), given_out / "answer")
    shutil.copy(home.outbox / FILER / PUBLIC_KEYS, given_out)
    filed = landed_entry(registry.find(filings[kind]).sha256)
    monkeypatch.setenv("NPL_HOME", str(tmp_path / "no such home"))
    settings.cache_clear()
    try:
        code, told = npl(
            capsys,
            "receipt",
            "verify",
            given_out / "answer" / RECEIPT_JSON,
            "--key",
            given_out / PUBLIC_KEYS,
            "--filing",
            filed,
        )
    finally:
        monkeypatch.undo()
        settings.cache_clear()
    assert code == 0, told
    assert filings[kind] in told
    assert "not compared" not in told
    assert not (tmp_path / "no such home").exists()


def test_a_receipt_lists_the_filed_files_so_that_the_filer_can_check_them(platform):
    home, filings = platform
    receipt = Receipt.parse((answer(home, filings["accepted"]) / RECEIPT_JSON).read_bytes())
    assert {file.name for file in receipt.files or ()} == {"filing.json", "资产包公告.csv"}
    assert receipt.files_digest == receipt.decision["sha256"]
    assert (receipt.decision["verdict"], receipt.position) == ("accepted", log.entry_of(filings["accepted"]).position)


def test_the_whole_log_agrees_with_registry_zones_and_receipts(platform, capsys):
    home, filings = platform
    kept = [option for each in filings.values() for option in ("--checkpoint", answer(home, each) / RECEIPT_JSON)]
    code, told = npl(capsys, "receipt", "verify-log", *kept)
    assert code == 0, told
    assert "3 项 entries, 3 个检查点" in told


def test_show_tells_verdict_digest_and_place(platform, capsys):
    _, filings = platform
    code, told = npl(capsys, "receipt", "show", filings["rejected"])
    assert code == 0
    assert "verdict\trejected" in told
    assert registry.find(filings["rejected"]).sha256 in told
    code, told = npl(capsys, "receipt", "show", filings["rejected"], "--format", "json")
    assert json.loads(told)["receipt"] == 1
    assert npl(capsys, "receipt", "show", "nobody")[0] == 2


def test_what_is_missing_is_wrong_usage_and_what_differs_is_a_finding(platform, capsys, tmp_path):
    home, filings = platform
    receipt = answer(home, filings["accepted"]) / RECEIPT_JSON
    assert npl(capsys, "receipt", "verify", tmp_path / "none.json")[0] == 2
    assert npl(capsys, "receipt", "verify", receipt, "--key", tmp_path / "none.pub")[0] == 2
    other = landed_entry(registry.find(filings["rejected"]).sha256)
    code, told = npl(capsys, "receipt", "verify", receipt, "--filing", other)
    assert (code, "filing: its bytes" in told) == (1, True)
    report = answer(home, filings["rejected"]) / REPORT_JSON
    code, told = npl(capsys, "receipt", "verify", receipt, "--report", report)
    assert (code, "report: its bytes" in told) == (1, True)
    (tmp_path / "other.pub").write_text("PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW\n")
    code, told = npl(capsys, "receipt", "verify", receipt, "--key", tmp_path / "other.pub")
    assert (code, "signature:" in told) == (1, True)


def documented(name: str) -> str:
    """The code of an example in docs/receipts.md."""
    text = (PROJECT_DIR / "docs" / "receipts.md").read_text(encoding="utf-8")
    return text.split(f"<!-- example: {name} -->\n```python\n")[1].split("\n```")[0]


def python(code: str, *arguments: Path) -> subprocess.CompletedProcess[str]:
    # from nowhere and without the project on its path: it must do alone
    command = [sys.executable, "-I", "-c", code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, cwd="/", check=False)


@pytest.mark.parametrize("kind", KINDS)
def test_the_documented_lines_of_python_verify_a_receipt_and_refuse_a_forged_one(platform, kind, tmp_path):
    home, filings = platform
    receipt, public = answer(home, filings[kind]) / RECEIPT_JSON, home.outbox / FILER / PUBLIC_KEYS
    outcome = python(documented("verify"), receipt, public)
    assert outcome.returncode == 0, outcome.stderr
    assert json.loads(outcome.stdout)["filing"] == filings[kind]
    content = receipt.read_text(encoding="utf-8")
    for number, (before, after) in enumerate(
        [
            ('\\"verdict\\":\\"', '\\"verdict\\":\\"x'),
            (f'"position": {log.entry_of(filings[kind]).position}', '"position": 4'),
        ]
    ):
        assert before in content
        forged = tmp_path / f"{number}.json"
        forged.write_text(content.replace(before, after), encoding="utf-8")
        assert "AssertionError: proof" in python(documented("verify"), forged, public).stderr
    forged.write_text(content.replace("npl-transaction-warehouse\\n", "npl-transaction-warehouse\\n0"))
    assert "InvalidSignature" in python(documented("verify"), forged, public).stderr


def test_the_documented_digest_of_a_folder_is_the_one_in_the_receipt(platform):
    _, filings = platform
    sha256 = registry.find(filings["accepted"]).sha256
    assert python(documented("folder"), landed_entry(sha256)).stdout.strip() == sha256


# --- one changed byte or field, anywhere, is found -------------------------------------------------------------------


def flipped(content: bytes, draw: st.DataObject) -> bytes:
    place = draw.draw(st.integers(0, len(content) - 1))
    return content[:place] + bytes([content[place] ^ 1 << draw.draw(st.integers(0, 7))]) + content[place + 1 :]


@contextmanager
def file_changed(path: Path, draw: st.DataObject) -> Iterator[None]:
    content = path.read_bytes()
    path.write_bytes(flipped(content, draw))
    try:
        yield
    finally:
        path.write_bytes(content)


@contextmanager
def row_changed(
    home: Home, table: str, filing_id: str, column: str, change: Callable[[object], object]
) -> Iterator[None]:
    key, which = "filing_id", filing_id
    if table == "log_nodes":
        key, which = "position", log.entry_of(filing_id).position
    with closing(sqlite3.connect(home.registry_file, isolation_level=None)) as con:
        ((value,),) = con.execute(f"select {column} from {table} where {key} = ?", [which]).fetchall()
        con.execute(f"update {table} set {column} = ? where {key} = ?", [change(value), which])
        try:
            yield
        finally:
            con.execute(f"update {table} set {column} = ? where {key} = ?", [value, which])


def audit() -> list[str]:
    return [en for _, en in log_problems({}, published_keys().keys)]


def other(draw: st.DataObject) -> Callable[[object], object]:
    """Changes one character of a text, or a number."""

    def change(value: object) -> object:
        if not isinstance(value, str):
            return int(str(value)) + draw.draw(st.integers(1, 9))
        place = draw.draw(st.integers(0, len(value) - 1))
        return value[:place] + ("x" if value[place] != "x" else "y") + value[place + 1 :]

    return change


forgeries = hypothesis_settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@forgeries
@given(st.sampled_from(KINDS), st.data())
def test_a_changed_byte_of_the_filing_is_found_by_filer_and_operator(platform, kind, data):
    home, filings = platform
    receipt = Receipt.parse((answer(home, filings[kind]) / RECEIPT_JSON).read_bytes())
    landed = landed_entry(receipt.decision["sha256"])
    files = [landed] if landed.is_file() else sorted(landed.iterdir())
    with file_changed(data.draw(st.sampled_from(files)), data):
        assert receipt_problems(receipt, published_keys().keys, content_digest(landed))
        assert f"{filings[kind]}: the landed bytes were changed or are missing" in audit()


@forgeries
@given(st.sampled_from(KINDS), st.data())
def test_a_changed_byte_of_the_report_is_found_by_filer_and_operator(platform, kind, data):
    home, filings = platform
    receipt = Receipt.parse((answer(home, filings[kind]) / RECEIPT_JSON).read_bytes())
    report = answer(home, filings[kind]) / REPORT_JSON
    with file_changed(report, data):
        assert receipt_problems(receipt, published_keys().keys, report=report.read_bytes())
        assert any("report" in problem for problem in audit())


@forgeries
@given(st.sampled_from(KINDS), st.data())
def test_a_changed_byte_of_the_receipt_is_found_by_filer_and_operator(platform, kind, data):
    home, filings = platform
    path = answer(home, filings[kind]) / RECEIPT_JSON
    with file_changed(path, data):
        try:
            found = receipt_problems(Receipt.parse(path.read_bytes()), published_keys().keys)
        except ValueError:
            found = [("", "not as issued")]
        assert found
        assert audit()


FIELDS = {
    "decisions": [
        "verdict",
        "standard_version",
        "standard_sha256",
        "report_sha256",
        "rows_filed",
        "rows_accepted",
        "rows_held",
    ],
    "filings": ["institution_id", "period", "sha256", "folder"],
    "log_entries": ["leaf"],
    "log_nodes": ["hashes"],
}


@pytest.mark.parametrize(("table", "column"), [(table, each) for table in FIELDS for each in FIELDS[table]])
@hypothesis_settings(forgeries, max_examples=5)
@given(st.sampled_from(KINDS), st.data())
def test_a_changed_field_of_registry_or_log_is_found_by_the_operator(platform, table, column, kind, data):
    home, filings = platform
    if column == "period":
        kind = "accepted"  # the unreadable one told no period
    with row_changed(home, table, filings[kind], column, other(data)):
        assert audit()
    assert audit() == []


def test_the_receipt_of_a_forged_verdict_does_not_verify(platform):
    home, filings = platform
    content = (answer(home, filings["rejected"]) / RECEIPT_JSON).read_text(encoding="utf-8")
    forged = Receipt.parse(content.replace('\\"verdict\\":\\"rejected\\"', '\\"verdict\\":\\"accepted\\"').encode())
    assert forged.decision["verdict"] == "accepted"
    assert [en.split(":")[0] for _, en in receipt_problems(forged, published_keys().keys)] == ["proof"]


def test_a_receipt_speaks_of_the_log_that_ends_with_it_and_of_no_other(platform):
    home, filings = platform
    receipts = [Receipt.parse((answer(home, each) / RECEIPT_JSON).read_bytes()) for each in filings.values()]
    (first,) = [receipt for receipt in receipts if receipt.position == 0]
    key = signer()
    later = sign(log.checkpoint(key.name, 3), key)
    other = replace(first, checkpoint=later, proof=tuple(log.inclusion_proof(0, 3)))
    assert [en.split(":")[0] for _, en in receipt_problems(other, [key.verifier])] == ["proof"]


@pytest.mark.parametrize("forgery", ["taken out", "exchanged", "decision without entry"])
def test_a_log_with_entries_taken_out_or_exchanged_is_found(platform, forgery, tmp_path, monkeypatch):
    home, _ = platform
    shutil.copytree(home.root, tmp_path / "forged")
    monkeypatch.setenv("NPL_HOME", str(tmp_path / "forged"))
    settings.cache_clear()
    kept = {"kept": log.checkpoint("log", 3)}
    assert list(log_problems(kept, published_keys().keys)) == []
    with closing(sqlite3.connect(tmp_path / "forged" / "registry.sqlite", isolation_level=None)) as con:
        if forgery == "taken out":
            con.execute("delete from log_entries where position = 1")
        elif forgery == "exchanged":
            con.execute("delete from log_nodes")
            for before, after in ((1, 9), (2, 1), (9, 2)):
                con.execute("update log_entries set position = ? where position = ?", [after, before])
        else:
            con.execute("delete from log_entries where position = 2")
    told = " ".join(en for _, en in log_problems(kept, published_keys().keys))
    monkeypatch.undo()
    settings.cache_clear()
    expected = {
        "taken out": "entry 1: missing",
        "exchanged": "kept: the log is not the one",
        "decision without entry": "its decision is not in the log",
    }
    assert expected[forgery] in told


# --- exactly once ----------------------------------------------------------------------------------------------------


class Killed(BaseException):
    """Stands for kill -9: no handler runs."""


@pytest.fixture
def own_home(npl_home: Home, monkeypatch: pytest.MonkeyPatch) -> Home:
    """An empty home that takes in at once what no reader can tell the end of."""
    monkeypatch.setenv("NPL_SETTLE_SECONDS", "0")
    settings.cache_clear()
    return npl_home


def put_unreadable(home: Home, name: str, folder: str = FILER) -> None:
    """A filing that is decided without the judge: quick."""
    (home.inbox / folder).mkdir(parents=True, exist_ok=True)
    (home.inbox / folder / f"{name}.zip").write_bytes(f"no archive: {name}".encode())


def receipts(home: Home) -> dict[str, bytes]:
    return {path.parent.name: path.read_bytes() for path in home.outbox.glob(f"*/*/{RECEIPT_JSON}")}


@pytest.mark.parametrize("victim", ["write_receipt", "publish_keys", "write_bytes"])
def test_killed_between_registry_and_receipt_the_next_run_writes_it(own_home, monkeypatch, victim):
    put_unreadable(own_home, "one")
    (filing_id,) = receive.receive_waiting()
    with monkeypatch.context() as patch:

        def die(*_: object) -> None:
            raise Killed

        patch.setattr(accept if victim == "write_receipt" else issue, victim, die)
        with pytest.raises(Killed):
            accept.decide(filing_id)
    assert registry.find(filing_id).state == "rejected"
    assert receipts(own_home) == {}
    assert receive.receive_waiting() == []
    assert list(receipts(own_home)) == [filing_id]


def test_deciding_a_decided_filing_again_writes_its_missing_receipt_with_the_same_bytes(own_home):
    put_unreadable(own_home, "one")
    put_unreadable(own_home, "two")
    decide_all()
    before = receipts(own_home)
    assert len(before) == 2
    for filing_id in before:
        (answer(own_home, filing_id) / RECEIPT_JSON).unlink()
        assert accept.decide(filing_id) == "rejected"
    assert receipts(own_home) == before


def test_looking_for_missing_receipts_reads_nothing_that_was_complete_the_last_time(own_home, monkeypatch):
    for name in ("one", "two", "three"):
        put_unreadable(own_home, name)
    decide_all()
    assert issue.write_missing_receipts() == []
    put_unreadable(own_home, "four")
    (fourth,) = decide_all()
    looked_at: list[str] = []
    monkeypatch.setattr(issue, "_write", lambda entry: looked_at.append(entry.filing_id))
    assert issue.write_missing_receipts() == []
    assert looked_at == [fourth]
    assert issue.write_missing_receipts() == []
    assert looked_at == [fourth]


def test_a_receipt_that_cannot_be_written_is_told_stops_no_other_and_is_written_later(own_home, monkeypatch, caplog):
    put_unreadable(own_home, "one")
    put_unreadable(own_home, "two", folder="SLXJ02")
    first, second = receive.receive_waiting()
    write_bytes = issue.write_bytes

    def full(path: Path, content: bytes) -> None:
        if path.parent.name == first:
            raise OSError(28, "No space left on device")
        write_bytes(path, content)

    with monkeypatch.context() as patch:
        patch.setattr(issue, "write_bytes", full)
        with pytest.raises(StorageError, match="No space left"):
            accept.decide(first)
        accept.decide(second)
        assert issue.write_missing_receipts() == [first]
        assert first in caplog.text
        assert list(receipts(own_home)) == [second]
    assert issue.write_missing_receipts() == []
    assert set(receipts(own_home)) == {first, second}


def test_no_receipt_is_issued_over_landed_bytes_that_were_changed(own_home):
    folder = own_home.inbox / FILER / "march"
    folder.mkdir(parents=True)
    (folder / "notes.csv").write_text("a\n1\n")
    (filing_id,) = decide_all()
    (answer(own_home, filing_id) / RECEIPT_JSON).unlink()
    (landed_entry(registry.find(filing_id).sha256) / "notes.csv").write_text("a\n2\n")
    with pytest.raises(StorageError, match="no longer holds"):
        issue.write_receipt(filing_id)


def test_a_file_name_that_holds_personal_data_is_not_shown(own_home):
    folder = own_home.inbox / FILER / "march"
    folder.mkdir(parents=True)
    (folder / "13800000000.csv").write_text("a\n1\n")
    (folder / "loans.csv").write_text("a\n1\n")
    (filing_id,) = decide_all()
    content = receipts(own_home)[filing_id]
    assert b"13800000000" not in content
    receipt = Receipt.parse(content)
    assert [file.name for file in receipt.files or ()] == [None, "loans.csv"]
    landed = landed_entry(receipt.decision["sha256"])
    assert receipt_problems(receipt, published_keys().keys, content_digest(landed)) == []


def test_after_a_rotation_old_receipts_verify_and_every_institution_has_the_new_key(own_home, capsys, tmp_path):
    put_unreadable(own_home, "one")
    (before,) = decide_all()
    known = tmp_path / "known.pub"
    shutil.copy(own_home.outbox / FILER / PUBLIC_KEYS, known)
    code, told = npl(capsys, "receipt", "rotate-key")
    assert code == 0
    public = own_home.outbox / FILER / PUBLIC_KEYS
    assert told.strip() in public.read_text()
    put_unreadable(own_home, "two")
    (after,) = decide_all()
    for filing_id in (before, after):
        assert npl(capsys, "receipt", "verify", answer(own_home, filing_id) / RECEIPT_JSON, "--key", public)[0] == 0
    assert npl(capsys, "receipt", "verify", answer(own_home, after) / RECEIPT_JSON, "--key", known)[0] == 1
    assert npl(capsys, "receipt", "keys", public, "--known", known)[0] == 0
    assert npl(capsys, "receipt", "verify-log")[0] == 0
    npl(capsys, "receipt", "rotate-key", "--lost")
    assert npl(capsys, "receipt", "keys", public, "--known", known)[0] == 1
