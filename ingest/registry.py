"""The registry: what was filed, every state it went through, and what was decided. Rows are only ever added.

SQLite in the home by default; any SQLAlchemy URL by `NPL_REGISTRY_URL`. A filing's present state is its last state row.
Times are the recorded moments of events, UTC.
"""

import datetime
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DatabaseError, IntegrityError, OperationalError

from ingest import migrations
from ingest.config import settings
from ingest.errors import REPAIR, StorageError
from ingest.paths import home, make_home
from ingest.registry_tables import (
    answers,
    completeness,
    decisions,
    filings,
    findings,
    log_entries,
    rule_results,
    states,
)

UNDECIDED = ("received", "read", "checked", "error")
IN_FORCE = ("accepted", "accepted_with_holds")
DECIDED = (*IN_FORCE, "rejected", "error")
OUT_OF_FORCE = ("superseded", "withdrawn")
FINAL = (*IN_FORCE, "rejected", *OUT_OF_FORCE)
AS_FILED = ""
"""The `replay_id` of a filing that was filed; what is decided anew on its bytes later names its replay."""


@dataclass(frozen=True)
class FilingRecord:
    """A filing as the registry knows it, with its present state."""

    filing_id: str
    folder: str
    name: str
    sha256: str
    institution_id: str
    subject_id: str
    period: str | None
    sequence: int | None
    kind: str | None
    replaces: str | None
    received_at: datetime.datetime
    state: str
    replay_id: str = AS_FILED

    @property
    def identity(self) -> dict[str, Any]:
        """Which filing it is, as its answers tell it."""
        return {
            "filing_id": self.filing_id,
            "institution": self.institution_id,
            "subject": self.subject_id,
            "period": self.period,
            "sequence": self.sequence,
            "kind": self.kind,
            "sha256": self.sha256,
        }


@dataclass(frozen=True)
class Decision:
    """A verdict and all that is recorded with it: rows of the registry's tables, without their `filing_id`.

    `leaf` is the entry of the Merkle log. `known_size` is the size of the log when the filing was judged: what was
    decided after it, the judge did not see.
    """

    row: Mapping[str, Any]
    leaf: str
    known_size: int
    rule_results: Sequence[Mapping[str, Any]] = ()
    completeness: Sequence[Mapping[str, Any]] = ()
    findings: Sequence[Mapping[str, Any]] = ()
    answers: Sequence[Mapping[str, Any]] = ()
    supersedes: str | None = None
    withdraws: str | None = None

    @property
    def verdict(self) -> str:
        return str(self.row["verdict"])


def utc_now() -> datetime.datetime:
    """The moment of an event, as it is recorded; the only clock that the platform's logic reads."""
    return datetime.datetime.now(datetime.UTC).replace(tzinfo=None)


@lru_cache(maxsize=4)
def _engine(url: str) -> sa.Engine:
    is_file = sa.make_url(url).get_backend_name() == "sqlite"
    # no pool over a file: a pooled connection would go on in a registry that was moved or restored under it; over a
    # server, one that did not outlive the server's restart is replaced before it fails whoever takes it
    engine = sa.create_engine(url, poolclass=sa.NullPool if is_file else None, pool_pre_ping=not is_file)
    if is_file:

        @sa.event.listens_for(engine, "connect")
        def _wait_and_check(connection: Any, record: Any) -> None:
            # WAL lets readers go on while one worker writes; foreign keys are off in SQLite unless asked for
            for pragma in ("journal_mode=WAL", "busy_timeout=30000", "foreign_keys=ON", "synchronous=FULL"):
                connection.execute(f"PRAGMA {pragma}")
            # no table in it: a new file, or one whose maker was killed
            record.info["is_empty"] = connection.execute("PRAGMA schema_version").fetchone() == (0,)
            connection.isolation_level = None  # the driver begins nothing by itself: `_begin` does

        @sa.event.listens_for(engine, "begin")
        def _begin(connection: sa.Connection) -> None:
            # who will write takes the turn at once: a reader that turned writer could only fail
            writing = connection.get_execution_options().get("writing")
            connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")

    return engine


_held: ContextVar[sa.Connection | None] = ContextVar("registry connection", default=None)


@contextmanager
def one_connection() -> Iterator[None]:
    """Take the transactions inside from one connection: for one filing's decision, not for a worker's life.

    Raises:
        StorageError: the registry cannot be reached.
    """
    with _faults_told(), _connected() as connection:
        before = _held.set(connection)
        try:
            yield
        finally:
            _held.reset(before)


@contextmanager
def _connected() -> Iterator[sa.Connection]:
    engine = _engine(_url())
    _prepare_once(engine)
    with engine.connect() as connection:
        if connection.info.get("is_empty"):
            migrations.prepare(engine)
        yield connection


@contextmanager
def transaction(writing: bool = False) -> Iterator[sa.Connection]:
    """One transaction on the registry: all of it is written, or none; say so when it writes.

    Raises:
        StorageError: the registry cannot be reached or written.
    """
    with _faults_told():
        held = _held.get()
        if held is not None and not held.in_transaction():
            with held.execution_options(writing=writing).begin():
                yield held
            return
        with _connected() as connection, connection.execution_options(writing=writing).begin():
            yield connection


@contextmanager
def unprepared(writing: bool = False) -> Iterator[sa.Connection]:
    """One transaction on the registry of whatever revision, even empty; its view does not change while it lasts.

    Raises:
        StorageError: the registry cannot be reached or written.
    """
    with (
        _faults_told(),
        _engine(_url()).connect().execution_options(writing=writing) as connection,
        connection.begin(),
    ):
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("set transaction isolation level repeatable read")
        yield connection


@contextmanager
def _faults_told() -> Iterator[None]:
    try:
        yield
    except OperationalError as error:
        raise StorageError(
            f"无法读写登记库：{error.orig}。{REPAIR[0]}",
            f"The registry cannot be read or written: {error.orig}. {REPAIR[1]}",
        ) from error
    except DatabaseError as error:
        if type(error) is not DatabaseError:  # by the bare class SQLite tells that its file is damaged
            raise
        raise StorageError(
            f"登记库已损坏：{error.orig}。请从备份恢复，再重新运行。",
            f"The registry is damaged: {error.orig}. Restore it from a backup, then run again.",
        ) from error


def upgrade() -> tuple[str | None, str]:
    """Bring the registry to the program's revision; return the revisions before (None: it was empty) and after.

    Raises:
        StorageError: it cannot be upgraded; the message says what to do.
    """
    return migrations.upgrade(_engine(_url()))


def revision() -> str | None:
    """The registry's revision; None while it is empty."""
    with _engine(_url()).connect() as connection:
        return migrations.revision(connection)


def _url() -> str:
    if settings().registry_url:
        return settings().registry_url
    make_home()
    return f"sqlite:///{home().registry_file}"


_prepared: set[str] = set()


def _prepare_once(engine: sa.Engine) -> None:
    if str(engine.url) not in _prepared:
        migrations.prepare(engine)
        _prepared.add(str(engine.url))


def register(record: Mapping[str, Any]) -> bool:
    """Add a filing and its state `received`; false when these bytes from this folder are already known."""
    try:
        with transaction(writing=True) as connection:
            connection.execute(filings.insert().values(**record))
            add_state(connection, record["filing_id"], "received", record["received_at"], None)
    except IntegrityError:
        if find_by_content(record["folder"], record["sha256"]) is None:
            raise
        return False
    return True


def set_state(filing_id: str, *came_to: str, detail: str | None = None) -> None:
    """Record the states that a filing came into, now; the same again is no news, except that a try failed again."""
    with transaction(writing=True) as connection:
        for state in came_to:
            if state == "error" or present_state(connection, filing_id) != state:
                add_state(connection, filing_id, state, utc_now(), detail)


def decide(filing_id: str, decision: Decision) -> bool:
    """Record a decision in one transaction, once; false when others came into or out of force since it was judged.

    The next position of the log is the turn: two deciders that take the same one collide, and the later looks again.
    """
    try:
        with transaction(writing=True) as connection:
            if present_state(connection, filing_id) in FINAL:
                return True  # another worker, or this one before it was killed, has decided
            position = log_length(connection, log_entries)
            if in_force_changed(connection, decision.known_size):
                return False
            at = utc_now()
            record_decision(connection, filing_id, decision, position, at)
            for other, state in ((decision.supersedes, "superseded"), (decision.withdraws, "withdrawn")):
                if other:
                    add_state(connection, other, state, at, filing_id)
    except IntegrityError:
        return False
    return True


def record_decision(
    connection: sa.Connection, filing_id: str, decision: Decision, position: int, at: datetime.datetime
) -> None:
    """Write all that is recorded with a decision, at its place of the log."""
    connection.execute(decisions.insert().values(filing_id=filing_id, **decision.row))
    for table, rows in (
        (rule_results, decision.rule_results),
        (completeness, decision.completeness),
        (findings, decision.findings),
        (answers, decision.answers),
    ):
        if rows:
            connection.execute(table.insert(), [{"filing_id": filing_id, **row} for row in rows])
    connection.execute(log_entries.insert().values(position=position, filing_id=filing_id, leaf=decision.leaf))
    add_state(connection, filing_id, decision.verdict, at, None)


def log_size() -> int:
    """How many decisions the log holds."""
    with transaction() as connection:
        return log_length(connection, log_entries)


def log_length(connection: sa.Connection, table: sa.Table) -> int:
    """How many rows a table of the log has, one a position: the last is found without a walk through the others."""
    last: int | None = connection.execute(sa.select(sa.func.max(table.c.position))).scalar()
    return 0 if last is None else last + 1


def in_force_changed(connection: sa.Connection, known_size: int) -> bool:
    """Whether a filing decided at or after this place of the log came into force (a withdrawal does so as well)."""
    query = (
        sa.select(log_entries.c.position)
        .join(decisions, decisions.c.filing_id == log_entries.c.filing_id)
        .where(log_entries.c.position >= known_size, decisions.c.verdict.in_(IN_FORCE))
        .limit(1)
    )
    return connection.execute(query).first() is not None


def add_state(connection: sa.Connection, filing_id: str, state: str, at: datetime.datetime, detail: str | None) -> None:
    """Write that a filing came into a state."""
    connection.execute(states.insert().values(filing_id=filing_id, state=state, at=at, detail=detail))


def present_state(connection: sa.Connection, filing_id: str) -> str | None:
    """A filing's last state; None of one that the registry does not know."""
    query = sa.select(states.c.state).where(states.c.filing_id == filing_id).order_by(states.c.state_id.desc()).limit(1)
    return connection.execute(query).scalar()


def with_state() -> sa.Select[Any]:
    """Filings with their present state, oldest first."""
    # asked for each filing by the index on its states, so that looking up one does not walk through all that ever were
    last = (
        sa.select(sa.func.max(states.c.state_id))
        .where(states.c.filing_id == filings.c.filing_id)
        .correlate(filings)
        .scalar_subquery()
    )
    return (
        sa.select(filings, states.c.state)
        .join(states, states.c.state_id == last)
        .order_by(filings.c.received_at, filings.c.filing_id)
    )


def records(query: sa.Select[Any]) -> list[FilingRecord]:
    """What a query over `with_state` finds."""
    with transaction() as connection:
        return [FilingRecord(**row._mapping) for row in connection.execute(query)]


def all_filings() -> list[FilingRecord]:
    """Every filing, oldest first."""
    return records(with_state())


def undecided(of: Sequence[str] | None = None) -> list[FilingRecord]:
    """Filings (`of` these) that wait for a verdict, oldest first; those that our own fault stopped wait as well."""
    query = with_state().where(states.c.state.in_(UNDECIDED))
    if of is not None:
        return records(query.where(filings.c.filing_id.in_(of)))
    with transaction() as connection:
        # a run that finds nothing to do must not walk through the states of all that ever was
        if connection.execute(sa.select(sa.func.count()).select_from(filings)).scalar() == log_length(
            connection, log_entries
        ):
            return []
    return records(query)


def find(filing_id: str) -> FilingRecord | None:
    return next(iter(records(with_state().where(filings.c.filing_id == filing_id))), None)


def find_by_content(folder: str, sha256: str) -> FilingRecord | None:
    """The filing of exactly these bytes from this folder, under the id that it got when it was filed."""
    same = (filings.c.folder == folder, filings.c.sha256 == sha256, filings.c.replay_id == AS_FILED)
    return next(iter(records(with_state().where(*same))), None)


def in_force() -> list[FilingRecord]:
    """Filings whose accepted rows count at present."""
    return records(with_state().where(states.c.state.in_(IN_FORCE)))


def rows_of(table: sa.Table) -> list[dict[str, Any]]:
    """Every row of a registry table, by its primary key."""
    with transaction() as connection:
        return [dict(row._mapping) for row in connection.execute(sa.select(table).order_by(*table.primary_key.columns))]
