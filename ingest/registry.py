"""The registry: what was filed, every state it went through, and what was decided. Rows are only ever added.

SQLite in the home by default; any SQLAlchemy URL by `NPL_REGISTRY_URL`. A filing's present state is its last state row.
Times are the recorded moments of events, UTC.
"""

import datetime
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError, OperationalError

from ingest.config import settings
from ingest.errors import StorageError
from ingest.paths import home

UNDECIDED = ("received", "read", "checked", "error")
IN_FORCE = ("accepted", "accepted_with_holds")
DECIDED = (*IN_FORCE, "rejected", "error")

metadata = sa.MetaData()

filings = sa.Table(
    "filings",
    metadata,
    sa.Column("filing_id", sa.String(120), primary_key=True),
    sa.Column("folder", sa.String(64), nullable=False),
    sa.Column("name", sa.String(400), nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("institution_id", sa.String(64), nullable=False),
    sa.Column("subject_id", sa.String(64), nullable=False),
    sa.Column("period", sa.String(16)),
    sa.Column("sequence", sa.Integer),
    sa.Column("kind", sa.String(16)),
    sa.Column("replaces", sa.String(120)),
    sa.Column("received_at", sa.DateTime, nullable=False),
    sa.UniqueConstraint("folder", "sha256"),
)
states = sa.Table(
    "filing_states",
    metadata,
    sa.Column("state_id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("filing_id", sa.ForeignKey("filings.filing_id"), nullable=False, index=True),
    sa.Column("state", sa.String(24), nullable=False),
    sa.Column("at", sa.DateTime, nullable=False),
    sa.Column("detail", sa.String(400)),
)
decisions = sa.Table(
    "decisions",
    metadata,
    sa.Column("filing_id", sa.ForeignKey("filings.filing_id"), primary_key=True),
    sa.Column("verdict", sa.String(24), nullable=False),
    sa.Column("standard_version", sa.String(16), nullable=False),
    sa.Column("standard_sha256", sa.String(64), nullable=False),
    sa.Column("report_sha256", sa.String(64), nullable=False),
    sa.Column("rows_filed", sa.BigInteger, nullable=False),
    sa.Column("rows_accepted", sa.BigInteger, nullable=False),
    sa.Column("rows_held", sa.BigInteger, nullable=False),
)
rule_results = sa.Table(
    "rule_results",
    metadata,
    sa.Column("filing_id", sa.ForeignKey("filings.filing_id"), primary_key=True),
    sa.Column("table_name", sa.String(64), primary_key=True),
    sa.Column("rule_id", sa.String(32), primary_key=True),
    sa.Column("severity", sa.String(16), nullable=False),
    sa.Column("category", sa.String(24), nullable=False),
    sa.Column("rows_judged", sa.BigInteger, nullable=False),
    sa.Column("violations", sa.BigInteger, nullable=False),
)
completeness = sa.Table(
    "completeness",
    metadata,
    sa.Column("filing_id", sa.ForeignKey("filings.filing_id"), primary_key=True),
    sa.Column("table_name", sa.String(64), primary_key=True),
    sa.Column("field_name", sa.String(64), primary_key=True),
    sa.Column("rows_filed", sa.BigInteger, nullable=False),
    sa.Column("asked_count", sa.BigInteger, nullable=False),
    sa.Column("nd1_count", sa.BigInteger, nullable=False),
    sa.Column("nd2_4_count", sa.BigInteger, nullable=False),
    sa.Column("nd5_count", sa.BigInteger, nullable=False),
    sa.Column("hidden_count", sa.BigInteger, nullable=False),
    sa.Column("blank_count", sa.BigInteger, nullable=False),
    sa.Column("unexplained_count", sa.BigInteger, nullable=False),
)


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


def utc_now() -> datetime.datetime:
    """The moment of an event, as it is recorded; the only clock that the platform's logic reads."""
    return datetime.datetime.now(datetime.UTC).replace(tzinfo=None)


@lru_cache(maxsize=4)
def _engine(url: str) -> sa.Engine:
    is_file = sa.make_url(url).get_backend_name() == "sqlite"
    # no pool over a file: a pooled connection would go on in a registry that was moved or restored under it
    engine = sa.create_engine(url, poolclass=sa.NullPool if is_file else None)
    if is_file:

        @sa.event.listens_for(engine, "connect")
        def _wait_and_check(connection: Any, _: Any) -> None:
            # WAL lets readers go on while one worker writes; foreign keys are off in SQLite unless asked for
            for pragma in ("journal_mode=WAL", "busy_timeout=30000", "foreign_keys=ON", "synchronous=FULL"):
                connection.execute(f"PRAGMA {pragma}")

    return engine


@contextmanager
def transaction() -> Iterator[sa.Connection]:
    """One transaction on the registry: all of it is written, or none.

    Raises:
        StorageError: the registry cannot be reached or written.
    """
    url = settings().registry_url
    if not url:
        home().root.mkdir(parents=True, exist_ok=True)
        url = f"sqlite:///{home().registry_file}"
    try:
        engine = _engine(url)
        _create_once(engine)
        with engine.begin() as connection:
            yield connection
    except OperationalError as error:
        raise StorageError(
            f"无法读写登记库：{error.orig}", f"The registry cannot be read or written: {error.orig}"
        ) from error


_created: set[str] = set()


def _create_once(engine: sa.Engine) -> None:
    key = str(engine.url)
    if key in _created and (engine.dialect.name != "sqlite" or home().registry_file.exists()):
        return
    try:
        metadata.create_all(engine)
    except OperationalError as error:
        # two processes met on an empty home: the other one has made the tables
        if "already exists" not in str(error):
            raise
    _created.add(key)


def register(record: Mapping[str, Any]) -> bool:
    """Add a filing and its state `received`; false when these bytes from this folder are already known."""
    try:
        with transaction() as connection:
            connection.execute(filings.insert().values(**record))
            _add_state(connection, record["filing_id"], "received", record["received_at"], None)
    except IntegrityError:
        if find_by_content(record["folder"], record["sha256"]) is None:
            raise
        return False
    return True


def set_state(filing_id: str, state: str, detail: str | None = None) -> None:
    """Record that a filing came into a state, now; the same state again is not recorded twice."""
    with transaction() as connection:
        if _present_state(connection, filing_id) != state:
            _add_state(connection, filing_id, state, utc_now(), detail)


def decide(
    filing_id: str,
    decision: Mapping[str, Any],
    results: Sequence[Mapping[str, Any]],
    fields: Sequence[Mapping[str, Any]],
    supersedes: str | None,
    withdraws: str | None,
) -> None:
    """Record a verdict, what every rule found, how complete each field is, and what the filing puts out of force.

    One transaction, once.
    """
    with transaction() as connection:
        if _present_state(connection, filing_id) in (*IN_FORCE, "rejected", "superseded", "withdrawn"):
            return  # another worker, or this one before it was killed, has decided
        at = utc_now()
        for table in (completeness, rule_results, decisions):
            connection.execute(table.delete().where(table.c.filing_id == filing_id))  # left by an earlier `error`
        connection.execute(decisions.insert().values(filing_id=filing_id, **decision))
        if results:
            connection.execute(rule_results.insert(), [{"filing_id": filing_id, **result} for result in results])
        if fields:
            connection.execute(completeness.insert(), [{"filing_id": filing_id, **field} for field in fields])
        _add_state(connection, filing_id, decision["verdict"], at, None)
        for other, state in ((supersedes, "superseded"), (withdraws, "withdrawn")):
            if other:
                _add_state(connection, other, state, at, filing_id)


def _add_state(
    connection: sa.Connection, filing_id: str, state: str, at: datetime.datetime, detail: str | None
) -> None:
    connection.execute(states.insert().values(filing_id=filing_id, state=state, at=at, detail=detail))


def _present_state(connection: sa.Connection, filing_id: str) -> str | None:
    query = sa.select(states.c.state).where(states.c.filing_id == filing_id).order_by(states.c.state_id.desc()).limit(1)
    return connection.execute(query).scalar()


def _with_state() -> sa.Select[Any]:
    last = (
        sa.select(states.c.filing_id, sa.func.max(states.c.state_id).label("state_id"))
        .group_by(states.c.filing_id)
        .subquery()
    )
    return (
        sa.select(filings, states.c.state)
        .join(last, last.c.filing_id == filings.c.filing_id)
        .join(states, states.c.state_id == last.c.state_id)
        .order_by(filings.c.received_at, filings.c.filing_id)
    )


def _records(query: sa.Select[Any]) -> list[FilingRecord]:
    with transaction() as connection:
        return [FilingRecord(**row._mapping) for row in connection.execute(query)]


def all_filings() -> list[FilingRecord]:
    """Every filing, oldest first."""
    return _records(_with_state())


def undecided() -> list[FilingRecord]:
    """Filings that wait for a verdict, oldest first; those that our own fault stopped wait as well."""
    return _records(_with_state().where(states.c.state.in_(UNDECIDED)))


def find(filing_id: str) -> FilingRecord | None:
    return next(iter(_records(_with_state().where(filings.c.filing_id == filing_id))), None)


def find_by_content(folder: str, sha256: str) -> FilingRecord | None:
    """The filing of exactly these bytes from this folder."""
    return next(iter(_records(_with_state().where(filings.c.folder == folder, filings.c.sha256 == sha256))), None)


def in_force() -> list[FilingRecord]:
    """Filings whose accepted rows count at present."""
    return _records(_with_state().where(states.c.state.in_(IN_FORCE)))


def rows_of(table: sa.Table) -> list[dict[str, Any]]:
    """Every row of a registry table, by its primary key."""
    with transaction() as connection:
        return [dict(row._mapping) for row in connection.execute(sa.select(table).order_by(*table.primary_key.columns))]
