"""The work database that a worker keeps for small filings, and what it does for several of them at once.

What a small filing takes has nothing to do with its rows: the standard's macros, the registers, empty relations, the
accepted rows of everybody, and one plan of the rules of a row. A worker makes the first four once and follows what
changes; the plan it makes once for all filings of a chunk that carry the same columns.

Whatever breaks inside leaves nothing behind: the database is thrown away, and the filing's own fault is found again by
the filing alone.
"""

import itertools
import logging
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import pyarrow as pa

from expectations import work_database
from expectations.completeness import FieldCompleteness
from expectations.judge import nothing_held
from expectations.spec import FILING_TABLE, Standard
from expectations.together import FiledRows, Together, can_be_typed_together, settled_of, type_together, typed_apart
from ingest import registry
from ingest.config import settings
from ingest.in_force import Followed
from ingest.landing import intact_entry
from ingest.paths import home
from ingest.read import FiledContent, StoredRows
from ingest.workbench import beside, context_of, filing_rows, put_registers, registers_of
from ingest.worksheet import filed_content

log = logging.getLogger(__name__)

SMALL_ROWS = 2_000
SMALL_BYTES = 1 << 20
_numbers = itertools.count()


@dataclass(frozen=True)
class TypedAhead:
    """A filing of the chunk: what was filed, and its place among those whose rows of a table were typed together.

    `foreseen` are its rows of the table `filing` if nothing changes before its turn and no row of it is held.
    """

    content: FiledContent
    foreseen: pa.Table | None = None
    places: dict[str, tuple[Together, int]] = field(default_factory=dict)


class KeptWork:
    """One worker's work database under one standard, in memory as long as this lives."""

    def __init__(self, standard: Standard) -> None:
        self.standard = standard
        # named by the process: a fork must not share what its parent's threads are at work in
        self.database = work_database.WorkDatabase(
            f":memory:kept-{os.getpid()}-{next(_numbers)}",
            settings().memory_limit,
            settings().threads,
            str(home().work / "spill" / str(os.getpid())),
        )
        self.con = self.database.connect()
        self._settings = settings()
        self._registers = registers_of(standard)
        put_registers(self.con, standard)
        work_database.prepare(self.con, standard, {})
        self.in_force = Followed()
        self._filed: list[str] = []
        self._ahead: dict[tuple[str, str], TypedAhead] = {}
        self._looked_at: set[str] = set()
        self._together: list[Together] = []

    def is_for(self, standard: Standard) -> bool:
        """Whether it holds what a new one would: the same standard, home, settings and registers."""
        registers = zip(self._registers, registers_of(standard), strict=True)
        return (
            self.standard is standard
            and self._settings is settings()
            and all(mine is theirs for mine, theirs in registers)
        )

    def read_ahead(self, folder: str, sha256: str) -> FiledContent | None:
        """What is filed, if the chunk has read it."""
        typed = self._ahead.get((folder, sha256))
        return typed.content if typed else None

    def put(self, content: FiledContent, folder: str, sha256: str) -> dict[str, list[FieldCompleteness]]:
        """Make it the work database of this filing; return how complete the tables are whose rows are typed already."""
        filed = [table.table for table in content.tables]
        work_database.take_back(self.con, self.standard, set(self._filed) - set(filed))
        self._filed = filed
        for table in content.tables:
            work_database.load_rows(self.con, table.table, table.rows)
        work_database.tell_context(self.con, self.standard, context_of(content.manifest))
        others, replaced = beside(self.standard, content.manifest, sha256, self.in_force)
        self.in_force.show(self.con, self.standard, others)
        ahead = self._ahead.pop((folder, sha256), None)
        if ahead is None or ahead.content is not content:
            ahead = TypedAhead(content)
        places = dict(ahead.places)
        if FILING_TABLE in self.standard.all_tables:
            rows = filing_rows(self.standard, content, folder, others, replaced)
            if ahead.foreseen is not None and rows.equals(ahead.foreseen.select(rows.column_names)):
                rows = ahead.foreseen
            else:
                places.pop(FILING_TABLE, None)
            work_database.load_rows(self.con, FILING_TABLE, rows)
        work_database.settle_checks(
            self.con, [query for together, number in places.values() for query in settled_of(together, number)]
        )
        for together, number in places.values():
            typed_apart(self.con, self.standard, together, number)
        return {table: together.completeness[number] for table, (together, number) in places.items()}

    def has_looked_at(self, filing_id: str) -> bool:
        """Whether it is of the chunk that was typed last, small or not."""
        return filing_id in self._looked_at

    def type_ahead(self, records: Sequence[registry.FilingRecord]) -> None:
        """Read small filings and type their rows together, in place of the chunk before."""
        self._looked_at = {record.filing_id for record in records}
        for together in self._together:
            together.drop(self.con)
        self._together.clear()
        self._ahead.clear()
        groups: dict[tuple[str, ...], list[tuple[TypedAhead, FiledRows]]] = {}
        for record in records:
            content = _small_content(record, self.standard)
            if content is None:
                continue
            ahead = TypedAhead(content, self._foreseen(content, record))
            self._ahead[record.folder, record.sha256] = ahead
            context = context_of(content.manifest)
            tables = {table.table: table.rows for table in content.tables}
            if ahead.foreseen is not None:
                tables[FILING_TABLE] = ahead.foreseen
            for table_name, rows in tables.items():
                key = (table_name, *rows.column_names[1:])
                groups.setdefault(key, []).append((ahead, FiledRows(rows, context)))
        for (table_name, *columns), filed in groups.items():
            if len(filed) < 2 or not can_be_typed_together(self.standard, table_name, columns):
                continue
            name = f"together_{len(self._together)}"
            try:
                typed = type_together(self.con, self.standard, table_name, [rows for _, rows in filed], name)
            except Exception as error:  # each by itself: the one that broke it is then the only one that suffers
                log.warning("%s: %d filings are typed one by one: %s", table_name, len(filed), type(error).__name__)
                continue
            self._together.append(typed)
            for number, (ahead, _) in enumerate(filed):
                ahead.places[table_name] = typed, number

    def _foreseen(self, content: FiledContent, record: registry.FilingRecord) -> pa.Table | None:
        if FILING_TABLE not in self.standard.all_tables or not content.tables:
            return None
        try:
            others, replaced = beside(self.standard, content.manifest, record.sha256, self.in_force)
            rows = filing_rows(self.standard, content, record.folder, others, replaced)
        except Exception:  # its own turn will tell what is wrong with it
            return None
        return nothing_held(self.standard, FILING_TABLE, rows)


def _small_content(record: registry.FilingRecord, standard: Standard) -> FiledContent | None:
    """What a small filing holds; None of any other, and of one whose own turn will tell what is wrong with it."""
    try:
        entry = intact_entry(record.sha256)
        files = [entry] if entry.is_file() else [file for file in entry.rglob("*") if file.is_file()]
        if sum(file.stat().st_size for file in files) > SMALL_BYTES:
            return None
        content = filed_content(entry, standard, record.folder)
    except Exception:
        return None
    return content if is_small(content) else None


def is_small(content: FiledContent) -> bool:
    """Whether a filing is so small that what surrounds its rows takes longer than they do."""
    rows: int = sum(table.rows.num_rows for table in content.tables)
    return rows <= SMALL_ROWS and not any(isinstance(table.rows, StoredRows) for table in content.tables)


_kept: dict[int, KeptWork] = {}
"""By process: what a fork inherits is never touched, not even to close it."""
_turn = threading.Lock()


@contextmanager
def kept_work(standard: Standard) -> Iterator[KeptWork | None]:
    """This worker's kept work database; None while another filing of the same worker has it."""
    if not _turn.acquire(blocking=False):
        yield None
        return
    try:
        kept = _kept.get(os.getpid())
        if kept is None or not kept.is_for(standard):
            _throw_away()
            kept = _kept[os.getpid()] = KeptWork(standard)
        yield kept
    except BaseException:
        _throw_away()
        raise
    finally:
        _turn.release()


def _throw_away() -> None:
    kept = _kept.pop(os.getpid(), None)
    if kept is not None:
        kept.con.close()
