"""Gathered rows of accepted files are the rows of the files themselves, in their order, whatever became of them."""

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import pytest

from expectations import work_database
from expectations.spec import load_standard
from ingest import gathered as module
from ingest.accepted_files import Mark, read_files
from ingest.gathered import gather, gathered, rows_of
from ingest.paths import Home, exclusive_if_free, home, shared
from ingest.workbench import show_accepted

TABLE = "package_notice"


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "GATHER_FROM", 2)


def accepted(name: str, codes: Sequence[str], without: str = "") -> Path:
    """A file of accepted notices, one for each project code; an older standard's lacks a column."""
    file = home().parquet(home().accepted, TABLE, "2026-01", "I", name)
    file.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as con:
        con.execute(f"create table rows ({work_database.accepted_ddl(load_standard().tables[TABLE])})")
        for number, code in enumerate(codes, 1):
            con.execute("insert into rows (filing_id, row_number, project_code) values (?, ?, ?)", [name, number, code])
        if without:
            con.execute(f"alter table rows drop {without}")
        con.execute(f"copy rows to '{file}' (format parquet)")
    return file


def marked(name: str, codes: Sequence[str]) -> Mark:
    return Mark.of(accepted(name, codes))


def rows(relation: str) -> list[tuple[Any, ...]]:
    with duckdb.connect() as con:
        read = con.execute(f"from {relation}")
        names = [column[0] for column in read.description]
        return [tuple(sorted(zip(names, row, strict=True), key=str)) for row in read.fetchall()]


def read(files: Sequence[Path]) -> list[tuple[Any, ...]]:
    with rows_of(TABLE, files) as relation:
        return rows(relation.sql)


def test_gathered_rows_are_those_of_the_files_in_their_order(npl_home: Home) -> None:
    draw = random.Random(7)
    files: list[Path] = []
    for _ in range(25):
        for _ in range(draw.randrange(1, 5)):  # some are written again, with other rows
            codes = [f"P-{draw.randrange(10**6)}" for _ in range(draw.randrange(1, 4))]
            file = accepted(f"F{draw.randrange(40)}", codes, draw.choice(["", "", "seller_branch"]))
            files = [*(each for each in files if each != file), file]
        in_force = draw.sample(files, k=draw.randrange(1, len(files) + 1))
        assert read(in_force) == rows(read_files(in_force))
        for left in draw.sample(gathered(TABLE), k=min(len(gathered(TABLE)), draw.choice([0, 0, 1]))):
            if draw.random() < 0.5:
                left.file.unlink()
            else:
                left.file.write_bytes(left.file.read_bytes()[:-9])
    assert gathered(TABLE), "nothing was gathered: the test proves nothing"


def test_a_work_database_holds_gathered_rows_in_their_order(npl_home: Home) -> None:
    files = [accepted(f"F{number:03}", [f"P-{number}", f"P-{number + 1}"]) for number in range(150)]
    files = files[100:] + files[:100]
    with duckdb.connect() as con:
        assert show_accepted(con, load_standard().tables[TABLE], files)
        shown = con.execute(f"select filing_id, row_number from accepted_{TABLE}").fetchall()
    assert gathered(TABLE)
    assert shown == [(file.stem, number) for file in files for number in (1, 2)]


def test_what_is_gathered_is_not_opened_file_by_file(npl_home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    files = [accepted(f"F{number}", [f"P-{number}"]) for number in range(9)]
    expected = read(files)
    opened: list[Path] = []
    monkeypatch.setattr(module, "read_files", lambda read: opened.extend(read) or read_files(read))
    assert read(files) == expected
    assert opened == [each.file for each in gathered(TABLE)]


def test_however_many_filings_come_one_by_one_there_are_few_files(npl_home: Home) -> None:
    files: list[Path] = []
    for number in range(60):
        files.append(accepted(f"F{number:02}", [f"P-{number}"]))
        assert len(read(files)) == number + 1
    assert len(list(npl_home.gathered(TABLE).iterdir())) <= 5


def test_what_somebody_reads_is_not_removed(npl_home: Home) -> None:
    gather(TABLE, [marked("A", ["P-1"])])
    (before,) = gathered(TABLE)
    reader = shared(npl_home.gathered_readers(TABLE))
    gather(TABLE, [marked("B", ["P-2"])])
    assert before.file.exists()
    reader.close()
    gather(TABLE, [marked("C", ["P-3"])])
    gather(TABLE, [marked("D", ["P-4"])])
    assert not before.file.exists()


def test_who_finds_another_gathering_or_a_full_disk_reads_the_files(
    npl_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [accepted(f"F{number}", [f"P-{number}"]) for number in range(5)]
    with exclusive_if_free(npl_home.gathered_turn(TABLE)):
        assert read(files) == rows(read_files(files))
    assert gathered(TABLE) == []

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module, "settle", full)
    assert read(files) == rows(read_files(files))
    assert gathered(TABLE) == []
