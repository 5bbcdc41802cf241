"""The registry's schema through time: alembic's migrations, and which of them a registry has seen.

`registry_tables` says what the tables are today; the files in `versions/` say how a registry comes to that, from
nothing or from any earlier release of the platform. A test compares the two, in SQLite and in PostgreSQL.
"""

import re
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from ingest.errors import StorageError

_VERSIONS = Path(__file__).parent / "versions"
VERSION_TABLE = "alembic_version"
_VERSION_TABLE = sa.table(VERSION_TABLE, sa.column("version_num"))
# Registries made before there were migrations: they have the tables of this one.
_FIRST = "0001"
# Whoever migrates a served database holds this lock (any number, the same for all of us).
_LOCK = 20261231


def head() -> str:
    """The revision that this program works with: its latest migration."""
    return max(match[1] for file in _VERSIONS.glob("*.py") if (match := re.match(r"(\d{4})_", file.name)))


def revision(connection: sa.Connection) -> str | None:
    """The revision of a registry: None when it is empty, `0001` when it was made before there were migrations.

    Raises:
        StorageError: tables of an even earlier program, which no migration knows.
    """
    inspector = sa.inspect(connection)
    tables = set(inspector.get_table_names())
    if _VERSION_TABLE.name in tables:
        return connection.execute(sa.select(_VERSION_TABLE.c.version_num)).scalar()
    if "filings" not in tables:
        return None
    if not {"answers", "log_nodes"} <= tables:
        raise StorageError(
            "登记库由更早的试用版建立，无法升级。请用新目录（NPL_HOME），把 landing/ 中的原件重新报送。",
            "The registry was made by an early trial and cannot be upgraded. Take a new NPL_HOME and file again what"
            " lies in landing/.",
        )
    return _FIRST


def prepare(engine: sa.Engine) -> None:
    """Make the tables in an empty registry; refuse one that is older or newer than this program.

    Raises:
        StorageError: the operator must upgrade the registry, or the program.
    """
    with engine.connect() as connection:
        if _known(connection) == head():
            return
    with engine.connect().execution_options(writing=True) as connection, connection.begin():
        _take_turn(connection)
        found = revision(connection)
        if found is None or found == head():
            _upgrade(connection)
            return
    if found > head():
        raise StorageError(
            f"登记库版本 {found} 比程序（{head()}）新。请升级程序。",
            f"The registry is at revision {found}, newer than this program ({head()}). Upgrade the program.",
        )
    raise StorageError(
        f"登记库版本 {found} 早于程序（{head()}）。请先备份，再运行 npl registry upgrade。",
        f"The registry is at revision {found}, older than this program ({head()})."
        " Back it up, then run npl registry upgrade.",
    )


def upgrade(engine: sa.Engine) -> tuple[str | None, str]:
    """Bring a registry to the program's revision, in one transaction; return the revisions before and after."""
    with engine.connect().execution_options(writing=True) as connection, connection.begin():
        _take_turn(connection)
        before = revision(connection)
        _upgrade(connection)
    return before, head()


def start_at(connection: sa.Connection, wanted: str) -> None:
    """Give a registry without tables those of a revision, for rows that were copied at that revision."""
    from alembic import command

    connection.execute(sa.text(f"drop table if exists {VERSION_TABLE}"))
    command.upgrade(_config(connection), wanted)


def _known(connection: sa.Connection) -> str | None:
    """The revision, in one cheap query: this is asked by every process."""
    try:
        return connection.execute(sa.select(_VERSION_TABLE.c.version_num)).scalar()
    except sa.exc.DBAPIError as error:
        if not isinstance(error, sa.exc.OperationalError | sa.exc.ProgrammingError) or not _lacks_table(error):
            raise
        return None


def _lacks_table(error: sa.exc.DBAPIError) -> bool:
    return "no such table" in str(error.orig) or getattr(error.orig, "sqlstate", None) == "42P01"


def _take_turn(connection: sa.Connection) -> None:
    """One migrates at a time. SQLite's write lock is that turn already."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))


def _upgrade(connection: sa.Connection) -> None:
    from alembic import command

    config = _config(connection)
    if not sa.inspect(connection).has_table(_VERSION_TABLE.name) and revision(connection) == _FIRST:
        command.stamp(config, _FIRST)
    command.upgrade(config, "head")


def _config(connection: sa.Connection) -> Any:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent))
    config.attributes["connection"] = connection
    return config
