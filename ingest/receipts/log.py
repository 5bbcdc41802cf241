"""The append-only log of decisions as the registry keeps it, and the proofs about it.

The registry's `log_entries` are the log. `log_nodes` holds the hashes of its complete subtrees, and follows it: whoever
needs a proof first hashes what came in since. So a proof costs a few look-ups, however long the log is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError

from ingest import registry
from ingest.errors import StorageError
from ingest.receipts import merkle
from ingest.receipts.note import Checkpoint
from ingest.registry_tables import filings, log_entries, log_nodes, states

HASH_HEX = 64
ENTRIES_AT_ONCE = 10_000


@dataclass(frozen=True)
class Entry:
    """One decision of the log, and the outbox folder of whose filing it decides."""

    position: int
    filing_id: str
    folder: str
    leaf: str


def size_at(state_id: int) -> int:
    """How many decisions the log held when the registry wrote this state row."""
    with registry.transaction() as connection:
        query = (
            sa.select(sa.func.count(sa.distinct(log_entries.c.position)))
            .join(states, states.c.filing_id == log_entries.c.filing_id)
            .where(states.c.state.in_((*registry.IN_FORCE, "rejected")), states.c.state_id <= state_id)
        )
        return int(connection.execute(query).scalar_one())


def entry_of(filing_id: str) -> Entry | None:
    """The entry of a filing's decision; None while it has none."""
    return next(iter(_entries(log_entries.c.filing_id == filing_id)), None)


def entries(start: int, end: int) -> list[Entry]:
    """The entries from position `start` up to, not including, `end`, in their order."""
    return _entries(sa.and_(log_entries.c.position >= start, log_entries.c.position < end))


def _entries(which: sa.ColumnElement[bool]) -> list[Entry]:
    query = (
        sa.select(log_entries.c.position, log_entries.c.filing_id, filings.c.folder, log_entries.c.leaf)
        .join(filings, filings.c.filing_id == log_entries.c.filing_id)
        .where(which)
        .order_by(log_entries.c.position)
    )
    with registry.transaction() as connection:
        return [Entry(**row._mapping) for row in connection.execute(query)]


def checkpoint(origin: str, at_size: int) -> Checkpoint:
    """The state of the log when it held `at_size` decisions."""
    _hash_up_to(at_size)
    with registry.transaction() as connection:
        return Checkpoint(origin, at_size, merkle.root(at_size, _Nodes(connection)))


def inclusion_proof(position: int, at_size: int) -> list[bytes]:
    _hash_up_to(at_size)
    with registry.transaction() as connection:
        return merkle.inclusion_proof(position, at_size, _Nodes(connection))


def consistency_proof(first: int, second: int) -> list[bytes]:
    _hash_up_to(second)
    with registry.transaction() as connection:
        return merkle.consistency_proof(first, second, _Nodes(connection))


class _Nodes:
    """Hashes of complete subtrees, looked up where they were completed."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection
        self.rows: dict[int, str] = {}

    def __call__(self, level: int, index: int) -> bytes:
        position = (index + 1 << level) - 1
        if position not in self.rows:
            query = sa.select(log_nodes.c.hashes).where(log_nodes.c.position == position)
            self.rows[position] = self._connection.execute(query).scalar() or ""
        found = self.rows[position][level * HASH_HEX : (level + 1) * HASH_HEX]
        if len(found) != HASH_HEX:
            raise StorageError(f"日志缺少第 {position} 项的散列。", f"The log lacks the hashes of entry {position}.")
        return bytes.fromhex(found)


def _hash_up_to(wanted: int) -> None:
    """Hash the entries that no one has hashed yet. Two who do it at once write the same; the later one looks again."""
    while True:
        try:
            with registry.transaction() as connection:
                if registry.log_length(connection, log_nodes) >= wanted:
                    return
            with registry.transaction(writing=True) as connection:
                _hash_some(connection, wanted)
        except IntegrityError:
            continue


def _hash_some(connection: sa.Connection, wanted: int) -> None:
    start = registry.log_length(connection, log_nodes)
    if start >= wanted:
        return  # another was first
    query = (
        sa.select(log_entries.c.position, log_entries.c.leaf)
        .where(log_entries.c.position >= start, log_entries.c.position < start + ENTRIES_AT_ONCE)
        .order_by(log_entries.c.position)
    )
    nodes = _Nodes(connection)
    added: list[dict[str, Any]] = []
    found: Sequence[Any] = connection.execute(query).all()
    for position, leaf in found:
        if position != start + len(added):
            break
        hashes = merkle.completed_by(position, merkle.leaf_hash(leaf.encode()), nodes)
        nodes.rows[position] = "".join(each.hex() for each in hashes)
        added.append({"position": position, "hashes": nodes.rows[position]})
    if not added:
        raise StorageError(f"日志缺少第 {start} 项。", f"The log lacks entry {start}.")
    connection.execute(log_nodes.insert(), added)
