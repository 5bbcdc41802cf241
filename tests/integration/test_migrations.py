"""The registry's migrations end at its tables, in both databases, from nothing and from what was made before them."""

import datetime
import multiprocessing
import os
from collections.abc import Iterator
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from postgres import served_postgres
from sqlalchemy.exc import IntegrityError
from typer.testing import CliRunner

from ingest import migrations, registry
from ingest.cli import app
from ingest.config import settings
from ingest.errors import StorageError
from ingest.paths import Home
from ingest.registry_tables import metadata


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    with served_postgres() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def registry_home(request: pytest.FixtureRequest, npl_home: Home, monkeypatch: pytest.MonkeyPatch) -> Home:
    """A home whose registry is empty, in each kind of database."""
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres")
        with sa.create_engine(url).begin() as connection:
            connection.exec_driver_sql("drop schema public cascade; create schema public")
        monkeypatch.setenv("NPL_REGISTRY_URL", url)
        settings.cache_clear()
        registry._prepared.clear()
    return npl_home


def differences() -> list[object]:
    with registry.transaction() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, metadata))


def make_unversioned() -> None:
    """A registry as programs without migrations made it."""
    with registry.unprepared(writing=True) as connection:
        migrations.start_at(connection, "0001")
        connection.exec_driver_sql("drop table alembic_version")


def test_an_empty_registry_comes_to_the_tables_that_the_program_knows(registry_home: Home) -> None:
    assert registry.revision() is None
    assert differences() == []
    assert registry.revision() == migrations.head()


def test_a_registry_made_before_there_were_migrations_is_taken_over_with_its_rows(registry_home: Home) -> None:
    make_unversioned()
    with registry._engine(registry._url()).begin() as connection:
        connection.execute(metadata.tables["log_nodes"].insert().values(position=7, hashes="ab"))
        names = ("filing_id", "folder", "name", "sha256", "institution_id", "subject_id")
        filing = {**dict.fromkeys(names, "F-1"), "received_at": datetime.datetime(2026, 1, 2)}
        connection.execute(metadata.tables["filings"].insert().values(**filing))
        registry.add_state(connection, "F-1", "received", datetime.datetime(2026, 1, 2), None)
    assert registry.revision() == "0001"
    before, after = registry.upgrade()
    assert (before, after) == ("0001", migrations.head())
    assert differences() == []
    with registry.transaction() as connection:
        assert connection.execute(sa.select(metadata.tables["log_nodes"])).all() == [(7, "ab")]
    (record,) = registry.all_filings()
    assert (record.filing_id, record.state, record.replay_id) == ("F-1", "received", registry.AS_FILED)
    with pytest.raises(IntegrityError), registry.transaction(writing=True) as connection:
        # the states' rows still point at a filing
        registry.add_state(connection, "F-2", "received", datetime.datetime(2026, 1, 2), None)


def test_an_older_registry_is_not_touched_until_the_operator_upgrades_it(
    registry_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert differences() == []
    registry._prepared.clear()
    monkeypatch.setattr(migrations, "head", lambda: "9999")
    with pytest.raises(StorageError, match="npl registry upgrade"):
        registry.all_filings()
    assert registry.revision() != "9999"


def test_a_registry_of_a_newer_program_is_refused(registry_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    assert differences() == []
    registry._prepared.clear()
    monkeypatch.setattr(migrations, "head", lambda: "0000")
    with pytest.raises(StorageError, match="newer"):
        registry.all_filings()


def test_a_trial_registry_is_told_and_left_as_it_is(registry_home: Home) -> None:
    with registry._engine(registry._url()).begin() as connection:
        metadata.tables["filings"].create(connection)
    for look in (registry.all_filings, registry.upgrade):
        with pytest.raises(StorageError, match="early trial"):
            look()


def _first_look(barrier: Barrier, home: Path, url: str) -> None:
    os.environ.update(NPL_HOME=str(home), NPL_REGISTRY_URL=url)
    settings.cache_clear()
    registry._engine.cache_clear()
    barrier.wait()
    assert registry.all_filings() == []


def test_eight_processes_that_meet_on_an_empty_registry_make_it_once(registry_home: Home) -> None:
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(8)
    processes = [
        context.Process(target=_first_look, args=(barrier, registry_home.root, settings().registry_url))
        for _ in range(8)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0] * 8
    assert differences() == []


def test_the_command_tells_the_revisions_and_upgrades(registry_home: Home) -> None:
    make_unversioned()
    runner = CliRunner()
    assert "0001" in runner.invoke(app, ["registry", "show"]).stdout
    assert runner.invoke(app, ["registry", "upgrade"]).exit_code == 0
    assert "already" in runner.invoke(app, ["registry", "upgrade"]).stdout
    assert differences() == []
