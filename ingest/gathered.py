"""Accepted rows of many filings gathered into few files: kept beside the accepted zone, to be thrown away at any time.

A notice's rows are read in microseconds, its file is opened in milliseconds, and whoever begins to decide filings
reads those of every filing in force. A gathered file is Parquet: the rows of some accepted files, and in its metadata
the files with their size and time of writing. It is never changed; a new one takes in those that stand for no more
files, so that there are few however many filings were accepted. A file that none stands for, or that is not as it was,
is simply read: what is missing or stale costs time, never an answer.
"""

import logging
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import duckdb
import pyarrow as pa

from expectations.compile import sql_list, sql_text
from ingest.accepted_files import (
    MARKS_ENTRY,
    Mark,
    marks_told,
    name_of,
    read_files,
    settle,
    shown_by,
    still_true,
    told_marks,
    work_limits,
)
from ingest.paths import exclusive_if_free, home, remove_temporaries, scratch, shared, temporary_beside

log = logging.getLogger(__name__)

GATHER_FROM = 64
"""So many files are read one by one; more are gathered first."""
SMALL_FILE_BYTES = 256 * 1024
"""A larger file is read longer than it is opened, and stays by itself."""


@dataclass(frozen=True)
class Gathered:
    """A file of gathered rows, and the accepted files it stands for."""

    file: Path
    marks: tuple[Mark, ...]


@dataclass(frozen=True)
class AcceptedRows:
    """Rows of accepted files: SQL of a relation, and the bytes of the files that it reads."""

    sql: str
    bytes: int


@contextmanager
def rows_of(table: str, files: Sequence[Path]) -> Iterator[AcceptedRows]:
    """These accepted files' rows in the order of the files; what is yielded is good within the block."""
    marks = [Mark.of(file) for file in files]
    opened = _opened(table, [mark for mark in marks if mark.size <= SMALL_FILE_BYTES])
    if opened is None:
        yield AcceptedRows(read_files(files), sum(mark.size for mark in marks))
        return
    share, there = opened
    with share:
        shown, beside = shown_by(_stood_for(there), marks)
        parts = [f"select * from {read_files([mark.file for mark in beside])}"] if beside else []
        size = sum(mark.size for mark in beside)
        for place, each in enumerate(there):
            filings = [mark.filing_id for mark, shower in shown.items() if shower == place]
            if filings:
                parts.append(_rows_in(each, filings))
                size += each.file.stat().st_size
        filed = sql_list([file.stem for file in files])
        yield AcceptedRows(
            f"""(select rows.* from ({" union all by name ".join(parts)}) as rows
            join (select unnest({filed}) as filing_id, unnest(range({len(files)})) as place) as in_order
            using (filing_id) order by place, row_number)""",
            size,
        )


def _rows_in(each: Gathered, filings: Sequence[str]) -> str:
    return f"select * from {read_files([each.file])} where filing_id in (select unnest({sql_list(filings)}))"


def gathered(table: str) -> list[Gathered]:
    """What is gathered of a table's rows; whoever goes on to read it has a share of `gathered_readers`."""
    import pyarrow.parquet as pq

    found = []
    for file in sorted(home().gathered(table).glob("*.parquet")):
        try:
            told = pq.read_metadata(file).metadata[MARKS_ENTRY.encode()]
            found.append(Gathered(file, marks_told(told)))
        except (OSError, pa.ArrowInvalid, ValueError, TypeError, LookupError):  # gone, or damaged
            continue
    return found


def _opened(table: str, marks: Sequence[Mark]) -> tuple[IO[str], list[Gathered]] | None:
    """A reader's share and what is gathered then, after gathering what is too much to be opened every time.

    None if these files are few, or it can't be done.
    """
    if len(marks) <= GATHER_FROM:
        return None
    readers = home().gathered_readers(table)
    try:
        share = shared(readers)
        there = gathered(table)
        if len(shown_by(_stood_for(there), marks)[1]) <= GATHER_FROM:
            return share, there
        share.close()  # as long as it is held, nothing that a new file replaces is removed
        gather(table, marks)
        return shared(readers), gathered(table)
    except (OSError, duckdb.Error) as error:
        # a home that may only be read, or a full disk: what this would save is read instead
        log.warning("accepted %s not gathered: %s", table, type(error).__name__)
        return None


def gather(table: str, marks: Sequence[Mark]) -> None:
    """Put the rows of those of these accepted files together that nothing stands for, unless somebody else is at it.

    Raises:
        OSError, duckdb.Error: the disk's; nothing but time is lost.
    """
    with exclusive_if_free(home().gathered_turn(table)) as is_mine:
        if not is_mine:
            return
        folder = home().gathered(table)
        folder.mkdir(parents=True, exist_ok=True)
        remove_temporaries(folder)
        there = gathered(table)
        _, stands_for = shown_by(_stood_for(there), marks)
        if not stands_for:
            return
        parts = [f"select * from {read_files([mark.file for mark in stands_for])}"]
        taken: set[Path] = set()
        for each in sorted(there, key=lambda each: len(each.marks)):
            if len(each.marks) > len(stands_for):
                break
            again = {mark.path for mark in stands_for}
            kept = [each.marks[place] for place in still_true(each.marks, again)]
            parts.append(_rows_in(each, [mark.filing_id for mark in kept]))
            stands_for += kept
            taken.add(each.file)
        _write(folder, " union all by name ".join(parts), stands_for)
        with exclusive_if_free(home().gathered_readers(table)) as is_unread:
            if is_unread:
                _remove(folder, keep={each.file for each in gathered(table)} - taken)


def _stood_for(there: Sequence[Gathered]) -> list[tuple[Mark, ...]]:
    return [each.marks for each in there]


def _write(folder: Path, rows: str, marks: Sequence[Mark]) -> None:
    told = told_marks(marks)
    target = folder / f"{name_of(told)}.parquet"
    temporary = temporary_beside(target)
    with scratch() as work, duckdb.connect(config=work_limits(work)) as con:
        con.execute(
            f"copy ({rows}) to {sql_text(str(temporary))} "
            f"(format parquet, compression zstd, kv_metadata {{{MARKS_ENTRY}: {sql_text(told)}}})"
        )
    settle(temporary, target)


def _remove(folder: Path, keep: Collection[Path]) -> None:
    for left in folder.iterdir():
        if left not in keep:
            left.unlink()
