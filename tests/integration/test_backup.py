"""A platform backed up while it works, destroyed, and restored: nothing is lost, doubled or half, says the log."""

import hashlib
import itertools
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import pytest
import sqlalchemy as sa
from exactly_once import assert_each_once, differences, end_state, filed, put, run, settle
from filings import FILER
from postgres import served_postgres
from s3_gateway import BUCKET, s3_gateway
from typer.testing import CliRunner

from ingest import migrations, registry, registry_tables
from ingest.backup import BackupStore, back_up, make, restore
from ingest.cli import app
from ingest.config import settings
from ingest.errors import StorageError, UsageError
from ingest.landing import content_digest
from ingest.lanes import decide_lane, lanes
from ingest.paths import Home, file_digest, home, write_text
from ingest.receive import receive_waiting
from ingest.report.answer import REPORT_JSON

__all__ = ["filed"]


@pytest.fixture
def store(tmp_path: Path) -> str:
    return str(tmp_path / "backups")


def destroy() -> None:
    """The platform's machine is gone; so is what this process knows of it."""
    shutil.rmtree(home().root)
    registry._prepared.clear()


def state_to_keep() -> dict[str, Any]:
    """The end state without scratch and logs, which no backup holds, and without what only SQLite has."""
    state = end_state()
    state["files"] = {
        name: state["files"][name] for name in state["files"] if not name.startswith(("registry.", "work/", "logs/"))
    }
    return state


def decide_what_waits() -> None:
    for lane in lanes((each.filing_id for each in registry.undecided()), 1):
        decide_lane(lane)


def npl(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, arguments)
    return result.exit_code, result.output


def test_what_was_destroyed_comes_back_to_the_byte_and_verifies(filed: Home, store: str) -> None:
    run()
    settle()
    (filed.register).mkdir()
    (filed.register / "mailboxes.csv").write_text("institution_id,mailbox\n")
    (filed.inbox / "SLYH02").mkdir()
    plan = filed.replay("replay-1") / "plan.json"
    plan.parent.mkdir(parents=True)
    plan.write_text("{}")
    expected = state_to_keep()
    code, said = npl("backup", store, "--with-keys")
    assert code == 0, said
    destroy()
    code, said = npl("restore", store)
    assert (code, "3 份报送 filings, 3 项裁定 decisions" in said) == (0, True), said
    settle()
    assert differences(expected, state_to_keep()) == {}
    assert (filed.inbox / "SLYH02").is_dir()
    assert plan.read_text() == "{}"
    assert_each_once()
    assert npl("receipt", "verify-log")[0] == 0
    assert {path.stat().st_mode & 0o077 for path in filed.keys.glob("*.key")} == {0}
    put("4 another", "tree_id,height_cm", "T-9,100", sequence=4)
    run()
    assert registry.log_size() == 4
    assert npl("receipt", "verify-log")[0] == 0


def test_a_filing_decided_at_any_moment_of_the_backup_is_whole_or_waits(
    filed: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    receive_waiting()
    shutil.copytree(filed.root, tmp_path / "kept")
    put_object = BackupStore.put
    waited = set()
    for moment in itertools.count(step=4):
        shutil.rmtree(filed.root)
        shutil.copytree(tmp_path / "kept", filed.root)
        puts = itertools.count()

        def put_and_work(self: BackupStore, file: BinaryIO, puts: Iterator[int] = puts, at: int = moment) -> Any:
            # whoever signs waits while the keys are copied: no moment of its own
            if not Path(file.name).is_relative_to(home().keys) and next(puts) == at:
                decide_what_waits()
            return put_object(self, file)

        with monkeypatch.context() as patch:
            patch.setattr(BackupStore, "put", put_and_work)
            back_up(str(tmp_path / f"backup {moment}"), with_keys=True)
        if next(puts) <= moment:
            break
        destroy()
        assert restore(str(tmp_path / f"backup {moment}")).problems == []
        waited.add(len(registry.undecided()))
        decide_what_waits()
        settle()
        assert_each_once()
        assert npl("receipt", "verify-log")[0] == 0
    assert moment > 5
    assert waited == {3}


def test_a_filing_received_during_the_backup_is_in_its_inbox(
    filed: Home, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    put("0 first", "tree_id,height_cm", "T-9,100", sequence=9, folder="SLYH02", institution="SLYH02")
    waiting = {path.name: content_digest(path) for path in filed.inbox.glob(f"{FILER}/*")}
    first = filed.inbox / "SLYH02" / "0 first"
    for name in waiting:
        os.rename(filed.inbox / FILER / name, filed.root / name)
    receive_waiting()
    for name in waiting:
        os.rename(filed.root / name, filed.inbox / FILER / name)
    assert not first.exists()
    write_tables = make.write_tables

    def work_and_write(*arguments: Any) -> Any:
        run()
        assert registry.log_size() == 4
        return write_tables(*arguments)

    monkeypatch.setattr(make, "write_tables", work_and_write)
    back_up(store, with_keys=True)
    destroy()
    assert restore(store).problems == []
    assert {path.name: content_digest(path) for path in filed.inbox.glob(f"{FILER}/*")} == waiting
    assert registry.log_size() == 0
    run()
    assert registry.log_size() == 4


def test_a_release_published_during_the_backup_is_not_in_it_nor_named_by_it(
    filed: Home, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def publish(name: str) -> None:
        write_text(filed.release(name) / "manifest.json", "{}")
        write_text(filed.latest_release, name)

    run()
    publish("before")
    write_tables = make.write_tables

    def publish_and_write(*arguments: Any) -> Any:
        publish("meanwhile")
        return write_tables(*arguments)

    monkeypatch.setattr(make, "write_tables", publish_and_write)
    back_up(store)
    released = {
        each["path"]: each["sha256"]
        for each in BackupStore(store).manifest()["files"]
        if each["path"].startswith("releases/")
    }
    assert released.keys() == {"releases/before/manifest.json", "releases/latest.json"}
    assert released["releases/latest.json"] == hashlib.sha256(b"before").hexdigest()


def test_a_second_backup_writes_only_what_is_new(filed: Home, store: str) -> None:
    run()
    back_up(store)
    objects = {path: path.stat().st_mtime_ns for path in Path(store).glob("objects/*/*")}
    put("4 another", "tree_id,height_cm", "T-9,100", sequence=4)
    run()
    back_up(store)
    assert {path: path.stat().st_mtime_ns for path in objects} == objects
    assert len(objects) > 10
    code, said = npl("backups", store, "--verify")
    assert (code, said.count("registry")) == (0, 2)
    first, second = BackupStore(store).backups()
    destroy()
    assert restore(store, first).decisions == 3
    destroy()
    assert restore(store, second).decisions == 4


def test_no_private_key_is_in_a_backup_unless_asked_for(filed: Home, store: str) -> None:
    run()
    keys = {file_digest(path) for path in filed.keys.glob("*.key")}
    back_up(store)
    stored = {path.name for path in Path(store).glob("objects/*/*")}
    assert keys
    assert stored.isdisjoint(keys)
    shutil.copytree(filed.keys, filed.root.with_name("apart"))
    destroy()
    assert restore(store).problems == []
    put("4 another", "tree_id,height_cm", "T-9,100", sequence=4)
    with pytest.raises(StorageError, match="private key"):
        run()
    shutil.copytree(filed.root.with_name("apart"), filed.keys, dirs_exist_ok=True)
    run()
    assert npl("receipt", "verify-log")[0] == 0


@pytest.mark.parametrize("stands", ["another registry", "another file"])
def test_a_restore_never_touches_what_is_not_of_the_backup(filed: Home, store: str, stands: str) -> None:
    run()
    back_up(store)
    destroy()
    if stands == "another registry":
        put("4 another", "tree_id,height_cm", "T-9,100", sequence=4)
        receive_waiting()
    else:
        (filed.outbox / FILER).mkdir(parents=True)
        (filed.outbox / FILER / "letter").write_text("not of the backup")
    before = {path: path.read_bytes() for path in filed.root.rglob("*") if path.is_file()}
    with pytest.raises(UsageError, match="not empty" if stands == "another registry" else "letter"):
        restore(store)
    assert {path: path.read_bytes() for path in before} == before


def test_a_damaged_object_is_told_and_a_restore_that_broke_off_goes_on(filed: Home, store: str, tmp_path: Path) -> None:
    run()
    back_up(store, with_keys=True)
    kept = Path(store) / "objects"
    (report,) = {file_digest(path) for path in filed.outbox.glob(f"*/*-0003-*/{REPORT_JSON}")}
    damaged = kept / report[:2] / report
    whole = damaged.read_bytes()
    damaged.write_bytes(whole.replace(b"a", b"b", 1))
    code, said = npl("backups", store, "--verify")
    assert (code, REPORT_JSON in said) == (1, True)
    destroy()
    with pytest.raises(StorageError, match=report):
        restore(store)
    assert registry.revision() is None
    damaged.write_bytes(whole[: len(whole) // 2])
    assert BackupStore(store)._present[report] == len(whole) // 2
    damaged.write_bytes(whole)
    assert restore(store).problems == []


def test_what_the_registry_names_and_the_disk_has_lost_is_told_at_once_and_again_at_the_restore(
    filed: Home, store: str
) -> None:
    run()
    lost = registry.all_filings()[0]
    shutil.rmtree(filed.landed(lost.sha256))
    (problem,) = back_up(store, with_keys=True).problems
    assert lost.sha256 in problem[1]
    destroy()
    problems = restore(store).problems
    assert [lost.filing_id in en for _, en in problems] == [True]


def test_rows_that_were_decided_and_do_not_come_back_are_told(filed: Home, store: str) -> None:
    run()
    manifest = Path(store) / "backups"
    back_up(store, with_keys=True)
    (file,) = manifest.glob("*.json")
    told = json.loads(file.read_text())
    told["files"] = [each for each in told["files"] if not each["path"].startswith("held/")]
    file.write_text(json.dumps(told))
    destroy()
    (problem,) = restore(store).problems
    assert "0 rows in held, 1 were decided" in problem[1]


def test_a_manifest_cannot_write_outside_the_home(filed: Home, store: str) -> None:
    run()
    back_up(store)
    (file,) = (Path(store) / "backups").glob("*.json")
    told = json.loads(file.read_text())
    destroy()
    for path in ("../escaped", "/tmp/escaped", "keys/sftp/../../../escaped"):
        file.write_text(json.dumps(told | {"files": [{"path": path, "folder": True}]}))
        with pytest.raises(StorageError, match="impossible path"):
            restore(store)


def test_an_older_registry_is_backed_up_and_comes_back_at_the_programs_revision(npl_home: Home, store: str) -> None:
    with registry.unprepared(writing=True) as connection:
        migrations.start_at(connection, "0001")
        connection.execute(
            registry_tables.filings.insert().values(
                filing_id="F-1",
                folder=FILER,
                name="F",
                sha256="0" * 64,
                institution_id=FILER,
                subject_id=FILER,
                received_at=registry.utc_now(),
            )
        )
    back_up(store)
    registry.upgrade()
    destroy()
    restore(store)
    assert registry.revision() == migrations.head() != "0001"
    with registry.transaction() as connection:
        assert connection.execute(sa.select(registry_tables.filings.c.filing_id)).scalars().all() == ["F-1"]


@pytest.mark.platform
@pytest.mark.parametrize("into", ["postgresql", "sqlite"])
def test_a_registry_in_postgresql_comes_back_in_either_database(
    filed: Home, store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, into: str
) -> None:
    with served_postgres() as url:
        monkeypatch.setenv("NPL_REGISTRY_URL", url)
        settings.cache_clear()
        run()
        settle()
        expected = state_to_keep()
        back_up(store, with_keys=True)
        destroy()
        with sa.create_engine(url).begin() as connection:
            connection.exec_driver_sql("drop schema public cascade; create schema public")
        if into == "sqlite":
            monkeypatch.setenv("NPL_REGISTRY_URL", "")
            settings.cache_clear()
        else:
            registry.upgrade()  # as the deployment's set-up does before anybody can restore
        assert restore(store).problems == []
        settle()
        assert differences(expected, state_to_keep()) == {}
        put("4 another", "tree_id,height_cm", "T-9,100", sequence=4)
        run()  # numbers go on where they were
        assert npl("receipt", "verify-log")[0] == 0
        assert registry.log_size() == 4
        registry._engine.cache_clear()


@pytest.mark.platform
def test_an_s3_compatible_store_takes_backups_and_gives_them_back(
    filed: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "s3").mkdir()
    with s3_gateway(tmp_path / "s3") as gateway:
        target = f"s3://{BUCKET}/npl"
        for name, value in gateway.settings(secret_key="not ours").items():
            monkeypatch.setenv(name, value)
        run()
        settle()
        settings.cache_clear()
        with pytest.raises(StorageError, match=target):
            back_up(target)
        monkeypatch.setenv("NPL_S3_SECRET_KEY", gateway.settings()["NPL_S3_SECRET_KEY"])
        monkeypatch.setenv("NPL_BACKUP_TARGET", target)
        settings.cache_clear()
        expected = state_to_keep()
        code, said = npl("backup", "--with-keys")
        assert code == 0, said
        assert npl("backups", "--verify")[0] == 0
        destroy()
        code, said = npl("restore")
        assert code == 0, said
        settle()
        assert differences(expected, state_to_keep()) == {}
        assert_each_once()
