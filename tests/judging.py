"""Judging a few rows as one filing, with any standard, and everything that can be seen of it afterwards."""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from expectations import work_database
from expectations.examples import text_rows
from expectations.findings import Finding, findings_of
from expectations.judge import judge_directly
from expectations.spec import Row, Standard, load_standard

ORCHARD_DIR = Path(__file__).parent / "standards" / "orchard"
Cell = str | int | bool | Decimal | datetime.date | datetime.datetime | None


@dataclass(frozen=True)
class Outcome:
    """What became of a small filing; rows are numbered as in a file, the first is 2."""

    verdict: str
    held: Mapping[str, set[int]]
    held_told: Mapping[str, int]
    counts: Mapping[tuple[str, str | None], int]
    findings: Sequence[Finding]
    typed: Mapping[str, Sequence[Mapping[str, Cell]]]

    def of(self, rule_id: str) -> list[Finding]:
        return [finding for finding in self.findings if finding.rule_id == rule_id]

    def rules_by_row(self, table: str) -> dict[int | None, set[str]]:
        broken: dict[int | None, set[str]] = {}
        for finding in self.findings:
            if finding.table == table:
                broken.setdefault(finding.row, set()).add(finding.rule_id)
        return broken


def orchard() -> Standard:
    return load_standard(ORCHARD_DIR)


def rows_of(standard: Standard, table: str, *changes: Mapping[str, str | None]) -> list[Row]:
    """The table's example row, once for each of these changes."""
    return [standard.example_row(table, dict(change)) for change in changes]


def judge(
    standard: Standard,
    filed: Mapping[str, Sequence[Row]],
    context: Row | None = None,
    limit: int = 1000,
    accepted: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
) -> Outcome:
    """Judge these text rows as one filing, as `npl check` does; `accepted` are typed rows accepted earlier."""
    with duckdb.connect(":memory:") as con:
        _fill(con, standard, filed, context or {}, accepted or {})
        judgement = judge_directly(con, standard, list(filed))
        findings = [
            finding
            for table, result in judgement.results.items()
            for finding in findings_of(con, standard, result, f"{table}.csv", limit)
        ]
        return Outcome(
            verdict=judgement.verdict,
            held={
                table: {row for (row,) in con.execute(f"select row_number from held_{table}").fetchall()}
                for table in filed
            },
            held_told={table: judgement.results[table].held for table in filed},
            counts={
                (check.rule.id, check.field): count
                for result in judgement.results.values()
                for check, count in result.counts.items()
                if count
            },
            findings=findings,
            typed={
                table: con.sql(f"select * from filed_{table} order by row_number").to_arrow_table().to_pylist()
                for table in filed
            },
        )


def _fill(
    con: duckdb.DuckDBPyConnection,
    standard: Standard,
    filed: Mapping[str, Sequence[Row]],
    context: Row,
    accepted: Mapping[str, Sequence[Mapping[str, Any]]],
) -> None:
    around = standard.head.examples
    for table, rows in filed.items():
        work_database.load_rows(con, table, text_rows(rows))
    for spec in standard.all_tables.values():
        if spec.system:
            told = [
                {
                    "file_name": f"{name}.csv",
                    "table_name": name,
                    "read_rows": str(len(rows)),
                    "declared_rows": str(len(rows)),
                }
                for name, rows in filed.items()
            ]
            known = [{name: text for name, text in row.items() if name in spec.by_name} for row in told]
            work_database.load_rows(con, spec.table, text_rows(rows_of(standard, spec.table, *known)))
    work_database.prepare(con, standard, {**around.context, **context})
    for name, shape in standard.head.references.items():
        for row in around.references.get(name, ()):
            con.execute(f"insert into {name} values ({', '.join('?' * len(shape))})", [row.get(each) for each in shape])
    for table_name, earlier in accepted.items():
        for cells in earlier:
            values = ", ".join(f"? as {name}" for name in cells)
            con.execute(f"insert into accepted_{table_name} by name select {values}", list(cells.values()))
