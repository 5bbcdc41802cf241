"""Which accepted files hold which keys, and the tallies of their rows: kept beside the accepted zone, to be thrown away
at any time.

A *run* stands for some accepted files and is never changed. Its `.keys` is an Arrow file that is looked up where it
lies: 64-bit hashes of the values of the table's `near_by` fields, sorted, each with the number of a file that holds it,
and in its metadata the files with their size and time of writing. Its `.tally` is Parquet: the files' rows counted.
A new run takes in smaller ones, so that there are few however many filings were accepted. A file that no run stands
for, or that is not as it was, is simply read: what is missing or stale costs time, never an answer.
"""

import hashlib
import mmap
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from expectations.compile import quoted, sql_list, sql_text
from expectations.near import tally_of
from expectations.spec import TableSpec
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
from ingest.paths import exclusive_if_free, home, remove_temporaries, scratch, temporary_beside

LARGEST_RUN = 1 << 24  # entries: 200 MB to sort
LISTED_AGAIN = 3
TALLY_ENTRY = b"tally bytes"
Hashes = npt.NDArray[np.uint64]
Numbers = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Run:
    """Some accepted files; `hashes` and `owners` (numbers of files) lie in the run's file and not in memory."""

    keys: Path
    marks: tuple[Mark, ...]
    hashes: Hashes
    owners: Numbers
    mapped: mmap.mmap

    @property
    def tally(self) -> Path:
        return self.keys.with_suffix(".tally")

    def look_up(self, sought: Hashes) -> tuple[Hashes, set[Mark]]:
        """Which of these hashes it holds, and the files that hold them."""
        first = np.searchsorted(self.hashes, sought, "left")
        lengths = np.searchsorted(self.hashes, sought, "right") - first
        # the places first, first + 1 .. of every hash that is found, one after the other
        places = np.repeat(first - np.cumsum(lengths) + lengths, lengths) + np.arange(lengths.sum())
        marks = {self.marks[owner] for owner in np.unique(self.owners[places])}
        self.mapped.madvise(mmap.MADV_DONTNEED)  # pages looked at count as the process's memory
        return sought[lengths > 0], marks


def hash_of(field: str, value: str) -> str:
    """SQL of the hash under which a field's value stands in a run."""
    return f"md5_number_lower({sql_text(field + chr(31))} || {value}::varchar)"


def runs_of(spec: TableSpec) -> list[Run]:
    """The runs that can be read now; whoever goes on to read their tallies has a share of `near_readers`."""
    folder = _folder(spec)
    for _ in range(LISTED_AGAIN):
        listed = sorted(folder.glob("*.keys"))
        runs = [run for keys in listed if (run := _opened(keys, spec)) is not None]
        if all(keys.exists() for keys in listed):
            break  # else one was taken into another run since it was listed
    return runs


def _folder(spec: TableSpec) -> Path:
    """Runs of another shape are those of another standard: they are not looked at."""
    shape = spec.model_dump_json(include={"near_by", "tally"})
    return home().near(spec.table) / hashlib.sha256(shape.encode()).hexdigest()[:16]


def _opened(keys: Path, spec: TableSpec) -> Run | None:
    try:
        with keys.open("rb") as file:
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        batch = pa.ipc.open_file(pa.py_buffer(mapped)).get_batch(0)
        told = batch.schema.metadata or {}
        marks = marks_told(told[MARKS_ENTRY.encode()])
        run = Run(keys, marks, batch.column("hash").to_numpy(), batch.column("owner").to_numpy(), mapped)
        is_whole = spec.tally is None or run.tally.stat().st_size == int(told[TALLY_ENTRY])
    except (OSError, pa.ArrowInvalid, ValueError, LookupError):  # gone, or damaged
        return None
    return run if is_whole else None


def index(spec: TableSpec, files: Sequence[Path]) -> None:
    """Make runs of these accepted files, unless somebody else is at it.

    Raises:
        OSError, duckdb.Error: the disk's; nothing but time is lost.
    """
    with exclusive_if_free(home().near_turn(spec.table)) as is_mine:
        if not is_mine:
            return
        folder = _folder(spec)
        folder.mkdir(parents=True, exist_ok=True)
        remove_temporaries(folder)
        runs = runs_of(spec)
        with exclusive_if_free(home().near_readers(spec.table)) as is_unread:
            if is_unread:
                _remove_replaced(folder, runs)
        _, beside = shown_by([run.marks for run in runs], map(Mark.of, files))
        left = [mark.file for mark in beside]
        while left:
            count = max(1, _how_many_fit(left, len(spec.near_by)))
            runs = _merged(spec, folder, runs, left[:count])
            left = left[count:]


def _remove_replaced(folder: Path, runs: Sequence[Run]) -> None:
    """Remove what other runs have taken in, what was never finished, and runs of another shape."""
    there = {run.keys for run in runs} | {run.tally for run in runs}
    for left in folder.parent.glob("*/*"):
        if left not in there:
            left.unlink()


def _how_many_fit(files: Iterable[Path], fields: int) -> int:
    import pyarrow.parquet as pq

    entries = count = 0
    for file in files:
        entries += pq.read_metadata(file).num_rows * fields
        if entries > LARGEST_RUN:
            break
        count += 1
    return count


def _merged(spec: TableSpec, folder: Path, runs: list[Run], files: Sequence[Path]) -> list[Run]:
    """Make a run of these files and of the runs that are no larger, which it replaces; return what runs are left."""
    marks = [Mark.of(file) for file in files]
    with scratch() as work, duckdb.connect(config=work_limits(work)) as con:
        hashes, owners = _read(con, spec, marks)
        taken: list[Run] = []
        entries = hashes.size
        for run in sorted(runs, key=lambda run: run.hashes.size):
            if run.hashes.size > entries or entries + run.hashes.size > LARGEST_RUN:
                break
            taken.append(run)
            entries += run.hashes.size
        tallies = []
        for run in taken:
            kept = still_true(run.marks, {mark.path for mark in marks})
            numbers = np.full(len(run.marks), -1, np.int32)
            numbers[kept] = np.arange(len(marks), len(marks) + len(kept))
            marks += [run.marks[number] for number in kept]
            is_kept = numbers[run.owners] >= 0
            hashes = np.concatenate([hashes, run.hashes[is_kept]])
            owners = np.concatenate([owners, numbers[run.owners[is_kept]]])
            tallies.append((run, [run.marks[number].filing_id for number in kept]))
        order = np.argsort(hashes, kind="stable")
        files_told = told_marks(marks)
        keys = folder / f"{name_of(files_told)}.keys"
        tally_bytes = _write_tally(con, spec, keys.with_suffix(".tally"), files, tallies)
        told = {MARKS_ENTRY.encode(): files_told, TALLY_ENTRY: str(tally_bytes)}
        _write_keys(keys, told, hashes[order], owners[order])
    for run in taken:  # a run is there while its keys are; its tally may still be read
        run.keys.unlink(missing_ok=True)
    made = _opened(keys, spec)
    return [*(run for run in runs if run not in taken), *([made] if made else [])]


def _read(con: duckdb.DuckDBPyConnection, spec: TableSpec, marks: Sequence[Mark]) -> tuple[Hashes, Numbers]:
    """Hashes of the files' values, each once a file, and the numbers of the files in `marks`."""
    con.register("numbered", pa.table({"filename": [str(mark.file) for mark in marks], "owner": range(len(marks))}))
    parts = " union all ".join(
        f"""select distinct {hash_of(field, quoted(field))} as hash, owner::integer as owner
        from {read_files([mark.file for mark in marks], "filename = true")} join numbered using (filename)
        where {quoted(field)} is not null"""
        for field in spec.near_by
    )
    found = con.execute(parts).fetchnumpy()
    con.unregister("numbered")
    return np.asarray(found["hash"], np.uint64), np.asarray(found["owner"], np.int32)


def _write_tally(
    con: duckdb.DuckDBPyConnection,
    spec: TableSpec,
    target: Path,
    files: Sequence[Path],
    taken: Sequence[tuple[Run, list[str]]],
) -> int:
    """Write the counted rows, if the table is to be counted; return how many bytes they take."""
    if spec.tally is None:
        return 0
    parts = [f"from ({tally_of(spec.tally, read_files(files))})"]
    parts += [
        f"from {read_files([run.tally])} where filing_id in (select unnest({sql_list(kept)}::varchar[]))"
        for run, kept in taken
    ]
    temporary = temporary_beside(target)
    con.execute(
        f"copy ({' union all by name '.join(parts)}) to {sql_text(str(temporary))} (format parquet, compression zstd)"
    )
    settle(temporary, target)
    return target.stat().st_size


def _write_keys(target: Path, told: Mapping[bytes, str], hashes: Hashes, owners: Numbers) -> None:
    batch = pa.record_batch([pa.array(hashes), pa.array(owners)], names=["hash", "owner"])
    batch = batch.replace_schema_metadata({entry: text.encode() for entry, text in told.items()})
    temporary = temporary_beside(target)
    with pa.OSFile(str(temporary), "wb") as sink, pa.ipc.new_file(sink, batch.schema) as writer:
        writer.write_batch(batch)
    settle(temporary, target)
