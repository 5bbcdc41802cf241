"""`npl doctor`: each check sees what it is there for, and on a healthy platform there is nothing to see."""

import datetime
import json
import os
import shutil
import socket
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import pytest
import sqlalchemy as sa
from filings import FILER, decide_all, judge_by, put, sale_notice, small_standard

from ingest import migrations, receive, registry, registry_tables, release
from ingest.cli import app
from ingest.config import settings
from ingest.doctor import ATTENTION, CHECKS, FAULT, OK, Finding, examine, machine, places, record
from ingest.paths import Home, sftp_host_key, write_text

INSTALLED = list(metadata.distributions())


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A platform that has accepted one filing and published it."""
    home = Home(tmp_path_factory.mktemp("healthy") / "home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NPL_HOME", str(home.root))
        settings.cache_clear()
        judge_by(patch, small_standard(["package_notice"]))
        put("march", [sale_notice()])
        assert list(decide_all().values()) == ["accepted"]
        home.warehouse.parent.mkdir(parents=True)
        with duckdb.connect(str(home.warehouse)) as con:
            con.execute("create schema market")
            con.execute("create table market.figures as select range as figure from range(3)")
        release.publish()
        home.root.chmod(0o700)
    settings.cache_clear()
    return home.root


@pytest.fixture
def platform(healthy: Path, npl_home: Home, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    """A copy of the healthy one, for each test to break. What is installed is asked once: it takes half a second."""
    monkeypatch.setattr(machine.metadata, "distributions", lambda: INSTALLED)
    shutil.copytree(healthy, npl_home.root, symlinks=True)
    return npl_home


def wrong(findings: list[Finding]) -> list[tuple[str, str]]:
    return [(each.check, each.state) for each in findings if each.state != OK]


def the_one(check: str, state: str) -> Finding:
    """The only thing that is wrong."""
    found = examine()
    assert wrong(found) == [(check, state)], [each for each in found if each.state != OK]
    (finding,) = [each for each in found if each.state != OK]
    assert finding.advice_zh
    assert finding.advice_en
    return finding


def test_a_healthy_platform_has_nothing_wrong_and_every_check_says_so(platform: Home) -> None:
    found = examine()
    assert wrong(found) == []
    assert {each.check for each in found} == {check.__name__ for check in CHECKS}
    assert all(each.zh and each.en for each in found)


def test_looking_changes_nothing(platform: Home) -> None:
    def state() -> dict[str, Any]:
        return {
            path.relative_to(platform.root).as_posix(): path.stat().st_size
            for path in platform.root.rglob("*")
            if not path.name.startswith("registry.sqlite-")
        }

    before = state()
    examine()
    assert state() == before


def test_an_empty_home_stays_empty(npl_home: Home) -> None:
    assert wrong(examine()) == [("zones", ATTENTION)]
    assert not npl_home.root.exists()


# what the machine gives


def test_a_package_of_another_version_is_named(platform: Home, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    lock = tmp_path / "other.lock"
    lock.write_text("duckdb==1.0.0 \\\n    --hash=sha256:00\nnot_installed==1\n")
    monkeypatch.setattr(machine, "LOCK_FILE", lock)
    assert "duckdb 2.0.1 (1.0.0)" in the_one("versions", FAULT).en


def test_a_package_that_is_missing_is_named(platform: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine.metadata, "requires", lambda _: ["no-such-package>=1", "celery; extra == 'server'"])
    assert "no-such-package" in the_one("versions", FAULT).en


def test_another_python_is_told(platform: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine.sys, "version_info", (3, 12, 0))
    monkeypatch.setattr(machine.sys, "version", "3.12.0 (main)")
    assert "3.12.0" in the_one("versions", FAULT).en


@pytest.mark.parametrize(("free", "state"), [(500_000_000, FAULT), (1_500_000_000, ATTENTION)])
def test_a_disk_without_room_for_a_build_is_told(
    platform: Home, monkeypatch: pytest.MonkeyPatch, free: int, state: str
) -> None:
    os.truncate(platform.warehouse, 300_000_000)
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda _: SimpleNamespace(free=free))
    monkeypatch.setattr(machine.tempfile, "gettempdir", lambda: str(platform.root))
    assert "GB free" in the_one("disk", state).en


def test_a_disk_without_inodes_is_told(platform: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda _: SimpleNamespace(free=10**12))
    monkeypatch.setattr(machine.os, "statvfs", lambda _: SimpleNamespace(f_files=1_000_000, f_favail=12))
    monkeypatch.setattr(machine.tempfile, "gettempdir", lambda: str(platform.root))
    assert "inodes" in the_one("disk", FAULT).en


def test_a_clock_that_was_set_back_is_told_by_registry_and_file_system(
    platform: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = registry.utc_now() - datetime.timedelta(hours=9)
    monkeypatch.setattr(registry, "utc_now", lambda: slow)
    found = [each for each in machine.clock() if each.state == FAULT]
    assert ["future" in each.en for each in found] == [True, False]
    assert "file system are -32400 s apart" in found[1].en


def test_a_machine_without_the_calendars_zone_is_told(platform: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "ZoneInfo", lambda _: datetime.UTC)
    assert "Asia/Shanghai is 0:00:00" in the_one("clock", FAULT).en


# the home's places


def test_a_file_where_a_zone_should_be_is_told(platform: Home) -> None:
    shutil.rmtree(platform.operations, ignore_errors=True)
    platform.operations.write_text("in the way")
    assert "operations" in the_one("zones", FAULT).en


def test_a_zone_that_cannot_be_written_is_told(platform: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    writes = places.tempfile.TemporaryFile

    def read_only(dir: Path) -> Any:
        if dir == platform.outbox:
            raise OSError(30, "Read-only file system")
        return writes(dir=dir)

    monkeypatch.setattr(places.tempfile, "TemporaryFile", read_only)
    assert the_one("permissions", FAULT).en == "cannot be written: outbox"


def test_an_inbox_that_others_can_write_is_told(platform: Home) -> None:
    (platform.inbox / FILER).chmod(0o777)
    assert the_one("permissions", FAULT).en == f"others can write: inbox/{FILER}"


def test_a_home_that_others_can_enter_is_told(platform: Home) -> None:
    platform.root.chmod(0o755)
    the_one("permissions", ATTENTION)


@pytest.mark.parametrize("first", [registry.all_filings, lambda: list(receive.receive_waiting())])
def test_a_new_home_is_for_its_account_alone(npl_home: Home, first: Callable[[], object]) -> None:
    first()
    assert npl_home.root.stat().st_mode & 0o077 == 0


def test_a_private_key_of_sftp_that_others_can_read_is_told(platform: Home) -> None:
    write_text(sftp_host_key(), "key")
    sftp_host_key().chmod(0o644)
    assert str(sftp_host_key()) in the_one("permissions", FAULT).en


def test_a_release_that_is_half_there_is_told(platform: Home) -> None:
    (platform.releases / "2026-12-01-abcdef01").mkdir()
    assert "2026-12-01-abcdef01" in the_one("release", FAULT).en


@pytest.mark.parametrize("latest", ['{"release": "2020-01-01-00000000"}', "not json", "[]"])
def test_a_pointer_to_no_release_is_told(platform: Home, latest: str) -> None:
    platform.latest_release.write_text(latest)
    assert "names no release" in the_one("release", FAULT).en


def test_a_pointer_to_a_yanked_release_is_told(platform: Home) -> None:
    newest = release.latest()
    assert newest
    platform.yanked_release(newest).write_text('{"release": "x", "reason": "wrong", "yanked_at": "x"}')
    assert "was yanked" in the_one("release", FAULT).en


def test_an_inbox_of_nobody_is_told_without_the_personal_data_in_its_name(platform: Home) -> None:
    (platform.inbox / "13812345678").mkdir()
    finding = the_one("inbox", ATTENTION)
    assert "***" in finding.en


def test_uploads_that_were_given_up_are_told(platform: Home) -> None:
    upload = platform.inbox / FILER / "april.zip.part"
    upload.write_bytes(b"half")
    assert wrong(examine()) == []
    os.utime(upload, (0, 0))
    assert the_one("leftovers", ATTENTION).en == f"uploads not finished for a day: {FILER}/april.zip.part"


def test_temporaries_of_killed_writers_are_told(platform: Home) -> None:
    left = platform.accepted / "package_notice" / ".empty.parquet.0123.tmp"
    left.write_bytes(b"half")
    assert wrong(examine()) == []
    os.utime(left, (0, 0))
    assert "accepted/package_notice/.empty.parquet.0123.tmp" in the_one("leftovers", ATTENTION).en


# what the platform remembers


def private_key(home: Home) -> Path:
    (found,) = home.keys.glob("*.key")
    return found


@pytest.mark.parametrize(
    "damage",
    [
        lambda home: private_key(home).unlink(),
        lambda home: private_key(home).chmod(0o644),
        lambda home: private_key(home).write_text("no key"),
        lambda home: (home.keys / "log.pub").write_text("no key"),
    ],
)
def test_a_key_that_cannot_sign_or_that_others_can_read_is_told(
    platform: Home, damage: Callable[[Home], object]
) -> None:
    damage(platform)
    found = examine()
    assert ("keys", FAULT) in wrong(found)
    assert {check for check, _ in wrong(found)} <= {"keys", "log"}


def test_public_keys_that_are_lost_are_not_made_anew(platform: Home) -> None:
    (platform.keys / "log.pub").unlink()
    assert "missing" in the_one("keys", FAULT).en
    assert not (platform.keys / "log.pub").exists()


def write_to_registry(home: Home, statement: str, **values: Any) -> None:
    engine = sa.create_engine(f"sqlite:///{home.registry_file}", poolclass=sa.NullPool)
    with engine.begin() as connection:
        connection.execute(sa.text(statement), values)


def test_a_registry_of_another_revision_is_told(platform: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(migrations, "head", lambda: "9999")
    (finding,) = record.database()
    assert (finding.state, finding.advice_en) == (FAULT, "Back it up, then run npl registry upgrade.")
    monkeypatch.setattr(migrations, "head", lambda: "0000")
    (finding,) = record.database()
    assert finding.advice_en == "Upgrade the program."


def test_a_registry_that_is_damaged_is_told_and_the_other_checks_go_on(platform: Home) -> None:
    content = bytearray(platform.registry_file.read_bytes())
    content[100:6000] = b"\xff" * 5900
    platform.registry_file.write_bytes(content)
    found = examine()
    assert ("database", FAULT) in wrong(found)
    assert {"versions", "disk", "release"} <= {each.check for each in found if each.state == OK}


def test_a_database_that_is_away_is_told(platform: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        port = unheard.getsockname()[1]
        monkeypatch.setenv("NPL_REGISTRY_URL", f"postgresql+psycopg://npl:secret@127.0.0.1:{port}/npl")
        settings.cache_clear()
        (finding,) = record.database()
    assert finding.state == FAULT
    assert "NPL_REGISTRY_URL" in finding.advice_en
    assert "secret" not in finding.en


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("update log_entries set leaf = leaf || ' '", "entries were changed: 0"),
        ("delete from log_entries", "0 positions, 0 entries, 1 decisions"),
        ("update log_entries set position = 7", "8 positions, 1 entries, 1 decisions"),
    ],
)
def test_a_log_that_was_changed_is_told(platform: Home, statement: str, told: str) -> None:
    write_to_registry(platform, statement)
    assert the_one("log", FAULT).en == told


def test_a_log_that_was_written_anew_is_told_by_the_release_that_signed_it(platform: Home) -> None:
    """Leaf and hashes changed together: only the signed checkpoint knows better."""
    from ingest.receipts import merkle

    leaf = registry.rows_of(registry_tables.log_entries)[0]["leaf"].replace('"accepted"', '"rejected"')
    write_to_registry(platform, "update log_entries set leaf = :leaf", leaf=leaf)
    write_to_registry(platform, "update log_nodes set hashes = :hashes", hashes=merkle.leaf_hash(leaf.encode()).hex())
    assert "checkpoint" in the_one("log", FAULT).en


def test_bytes_as_filed_that_are_gone_are_told(platform: Home) -> None:
    (filed,) = registry.all_filings()
    shutil.rmtree(platform.landed(filed.sha256))
    assert the_one("landed", FAULT).en == f"the bytes as filed are missing: {filed.filing_id}"


def test_an_answer_that_is_gone_is_told(platform: Home) -> None:
    (filed,) = registry.all_filings()
    (platform.answer(FILER, filed.filing_id) / "report.json").unlink()
    assert the_one("landed", FAULT).en == f"answers are missing: {filed.filing_id}"


def test_a_filing_that_our_own_fault_stopped_is_told(platform: Home) -> None:
    put("april", [sale_notice()], period="2026-04")
    (filing_id,) = receive.receive_waiting()
    assert wrong(examine()) == []
    registry.set_state(filing_id, "error", detail="broken")
    assert filing_id in the_one("queue", FAULT).en


def test_filings_that_wait_for_long_are_told(platform: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    put("april", [sale_notice()], period="2026-04")
    (filing_id,) = receive.receive_waiting()
    put("may", [sale_notice()], period="2026-05")
    later = registry.utc_now() + datetime.timedelta(hours=2)
    monkeypatch.setattr(registry, "utc_now", lambda: later)
    found = {(each.state, each.en) for each in record.queue()}
    assert found == {(FAULT, f"not taken in for an hour: {FILER}"), (ATTENTION, f"undecided for an hour: {filing_id}")}


def test_a_check_that_breaks_is_a_finding_and_stops_no_other(platform: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda _: 1 / 0)
    assert "ZeroDivisionError" in the_one("disk", FAULT).en


# the command


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    with pytest.raises(SystemExit) as ended:
        app(list(arguments))
    return int(ended.value.code or 0), capsys.readouterr().out


def test_the_command_ends_with_one_for_a_fault_alone_and_says_what_to_do(
    platform: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(capsys, "doctor")[0] == 0
    platform.root.chmod(0o755)
    code, out = run(capsys, "doctor")
    assert code == 0
    assert "留意 attention\tpermissions" in out
    platform.latest_release.write_text("not json")
    code, out = run(capsys, "doctor")
    assert code == 1
    assert "→ Run publish_release" in out
    code, out = run(capsys, "doctor", "--format", "json")
    assert code == 1
    told = {each["check"]: each for each in json.loads(out)}
    assert told["release"]["state"] == FAULT
    assert set(told["release"]) == {"check", "state", "zh", "en", "advice_zh", "advice_en"}
