"""The report on a filing that is never held in memory is, byte for byte, the one on the same filing that is."""

import codecs
import csv
import io
import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import xlsxwriter

from expectations import columns
from expectations.spec import Standard, load_standard
from ingest import accept, check, receive, workbench
from ingest.bench.cases import PERIOD, SHAPE
from ingest.check import check_path
from ingest.config import settings
from ingest.errors import JudgeError
from ingest.paths import Home
from ingest.read import FiledTable, StoredRows
from ingest.synthetic_tape import Tape, loan_rows

LOANS = 300


@pytest.fixture(scope="module")
def standard() -> Standard:
    return load_standard()


def tape(defect_rate: str, kinds: frozenset[str] = frozenset()) -> list[dict[str, str | None]]:
    rows, _ = loan_rows(Tape(SHAPE, LOANS, Decimal(defect_rate), kinds))
    return [dict(row) for row in rows]


def as_csv(rows: list[dict[str, str | None]], line_end: str = "\n", quoting: Any = csv.QUOTE_MINIMAL) -> str:
    buffer = io.StringIO(newline="")
    writer = csv.DictWriter(buffer, list(rows[0]), lineterminator=line_end, quoting=quoting)
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue()


def with_blank_lines(text: str) -> str:
    lines = text.splitlines(keepends=True)
    return "".join([*lines[:20], "\n", *lines[20:40], "," * lines[0].count(",") + "\n", *lines[40:]])


def as_parquet(rows: list[dict[str, str | None]]) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows, schema=pa.schema([(name, pa.string()) for name in rows[0]])), sink)
    return sink.getvalue()


def as_json_lines(rows: list[dict[str, str | None]]) -> bytes:
    return "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows).encode()


def as_workbook(rows: list[dict[str, str | None]]) -> bytes:
    sink = io.BytesIO()
    with xlsxwriter.Workbook(sink) as book:
        sheet = book.add_worksheet("loan")
        for number, cells in enumerate([list(rows[0]), *(row.values() for row in rows)]):
            for column, text in enumerate(cells):
                if text is not None:
                    sheet.write_string(number, column, text)
    return sink.getvalue()


HOLDING = frozenset({"rate as percentage", "enforcement nowhere"})
FILES = {
    "spoiled": ("loan.csv", as_csv(tape("0.3")).encode(), "utf-8"),
    "quoted, CRLF, marked": ("loan.csv", codecs.BOM_UTF8 + as_csv(tape("0.1"), "\r\n", csv.QUOTE_ALL).encode(), None),
    "GB18030": ("loan.csv", as_csv(tape("0.3")).encode("gb18030"), "gb18030"),
    "blank lines": ("loan.csv", with_blank_lines(as_csv(tape("0.1"))).encode(), None),
    "few held": ("loan.csv", as_csv(tape("0.02", HOLDING)).encode(), None),
    "all bad": ("loan.csv", as_csv(tape("1")).encode(), None),
    "Parquet": ("loan.parquet", as_parquet(tape("0.3")), None),
    "JSON lines": ("loan.jsonl", as_json_lines(tape("0.3")), None),
    "XLSX": ("loan.xlsx", as_workbook(tape("0.3")), None),
}


def filing(folder: Path, kind: str) -> Path:
    name, content, encoding = FILES[kind]
    folder.mkdir()
    (folder / name).write_bytes(content)
    table = {"table": "loan", "file": name, "rows": LOANS} | ({"encoding": encoding} if encoding else {})
    manifest = {"institution": "SLXJ01", "period": PERIOD, "sequence": 1, "kind": "original", "tables": [table]}
    manifest |= {"standard_version": "2.0", "contact_channel": "desk@slxj01.example"}
    (folder / "filing.json").write_text(json.dumps(manifest), encoding="utf-8")
    return folder


@pytest.fixture
def streaming(npl_home: Home, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[FiledTable]]:
    """Everything is streamed and judged as a long table is; gathers the tables that were."""
    monkeypatch.setenv("NPL_STREAM_FROM_MB", "0")
    monkeypatch.setattr(columns, "WORTH_IT", 0)
    monkeypatch.setattr(check, "IN_MEMORY_ROWS", 0)
    settings.cache_clear()
    seen: list[FiledTable] = []
    fill = workbench.fill

    def watched(con: Any, standard: Any, content: Any, *rest: Any) -> None:
        seen.extend(content.tables)
        fill(con, standard, content, *rest)

    monkeypatch.setattr(check, "fill", watched)
    yield seen
    settings.cache_clear()


@pytest.mark.parametrize("kind", FILES)
def test_a_streamed_filing_gets_the_report_of_a_held_one(
    kind: str, standard: Standard, streaming: list[FiledTable], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = filing(tmp_path / "filing", kind)
    streamed = check_path(path, standard)
    assert [type(table.rows) for table in streaming] == [StoredRows]
    monkeypatch.undo()
    monkeypatch.setenv("NPL_HOME", str(tmp_path / "home"))
    settings.cache_clear()
    held = check_path(path, standard)
    assert streamed.to_json_bytes() == held.to_json_bytes()
    assert held.tables[0].rows == LOANS
    assert held.findings_total


def test_accepted_rows_are_those_of_a_held_filing(
    standard: Standard, streaming: list[FiledTable], tmp_path: Path, npl_home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = filing(tmp_path / "filing", "few held")
    kept = []
    for home in ("streamed", "held"):
        if home == "held":
            monkeypatch.undo()
        monkeypatch.setenv("NPL_HOME", str(tmp_path / home))
        settings.cache_clear()
        assert accept.decide(receive.receive(path, "SLXJ01")) == "accepted_with_holds"
        zones = Home(tmp_path / home)
        for zone in (zones.accepted, zones.held):
            (file,) = (zone / "loan").rglob("SLXJ01*.parquet")
            with duckdb.connect() as con:
                kept.append(con.execute(f"from read_parquet('{file}', hive_partitioning = false)").fetchall())
    assert kept[:2] == kept[2:]
    assert len(kept[0]) + len(kept[1]) == LOANS
    assert kept[1]


def test_rows_out_of_order_are_never_kept(tmp_path: Path) -> None:
    with duckdb.connect() as con:
        con.execute(f"copy (select unnest([3, 5, 4]) as row_number) to '{tmp_path / 'rows.parquet'}' (format parquet)")
        with pytest.raises(JudgeError, match="order"):
            accept._refuse_disorder(con, tmp_path / "rows.parquet")


def test_a_filing_beyond_the_bound_is_refused_in_both_languages(
    standard: Standard, npl_home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NPL_STREAM_FROM_MB", "0")
    monkeypatch.setenv("NPL_LARGEST_FILE_MB", "0")
    monkeypatch.setenv("NPL_LARGEST_STREAMED_MB", "0")
    settings.cache_clear()
    path = filing(tmp_path / "filing", "spoiled")
    with (path / "loan.csv").open("ab") as file:
        file.write(b"\n" * 1_000_000)
    report = check_path(path, standard)
    assert report.verdict == "unreadable"
    assert report.problem is not None
    assert "上限 0 MB" in report.problem.zh
    assert "at most 0 MB" in report.problem.en
