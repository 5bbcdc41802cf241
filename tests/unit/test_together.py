"""Rows that are typed together are, filing by filing, what each filing's rows are when they are typed alone."""

from dataclasses import dataclass
from typing import Any

import duckdb
import pytest
from judging import orchard, rows_of

from expectations import engine, filed_rows, work_database
from expectations.compile import Check, checks_of
from expectations.completeness import FieldCompleteness, completeness_of
from expectations.examples import text_rows
from expectations.spec import Standard, load_standard
from expectations.together import FiledRows, _by_itself, can_be_typed_together, settled_of, type_together, typed_apart
from ingest.workbench import put_registers

CASES = [
    (standard, table)
    for standard in (orchard(), load_standard())
    for table in standard.tables
    if standard.head.name != "npl" or table == "package_notice"
]


@dataclass(frozen=True)
class Judged:
    """Rows of one filing as they were typed, and what the rules found in them."""

    schema: str
    rows: list[dict[str, Any]]
    counts: dict[int, int]
    broken: list[tuple[int, int]]
    held: list[tuple[int]]


def contexts(standard: Standard) -> list[dict[str, str | None]]:
    """Three filings' contexts: that of the examples, of another period, and unknown."""
    example = dict(standard.head.examples.context)
    moved = {
        key: value.replace("20", "19", 1) if key.startswith("filing_period") else value
        for key, value in example.items()
        if value
    }
    return [example, example | moved, dict.fromkeys(example)]


@pytest.mark.parametrize(("standard", "table"), CASES, ids=[f"{each.head.name} {table}" for each, table in CASES])
def test_rows_typed_together_are_what_they_are_alone(standard: Standard, table: str) -> None:
    columns = list(standard.tables[table].by_name)
    changes: list[dict[str, str | None]] = [
        {},
        {columns[0]: None},
        dict.fromkeys(columns, "二〇"),
        dict.fromkeys(columns[1:], "ND1"),
    ]
    sound, *spoiled = changes
    filings = [
        FiledRows(text_rows(rows_of(standard, table, *each)), context)
        for each, context in zip(([sound, *spoiled], [sound], spoiled), contexts(standard), strict=True)
    ]
    with duckdb.connect(":memory:") as con:
        if standard.head.name == "npl":
            put_registers(con, standard)
        work_database.prepare(con, standard, filings[0].context)
        alone = [typed_alone(con, standard, table, each) for each in filings]
        assert can_be_typed_together(standard, table, filings[0].rows.column_names[1:])
        together = type_together(con, standard, table, filings, "together")
        for number, (expected, completeness) in reversed(list(enumerate(alone))):
            work_database.settle_checks(con, settled_of(together, number))
            typed_apart(con, standard, together, number)
            assert judged(con, standard, table, columns) == expected
            assert together.completeness[number] == completeness
    found = [each for each, _ in alone]
    assert [len(each.rows) for each in found] == [4, 1, 3]
    assert any(value for row in found[0].rows for name, value in row.items() if name.startswith("mask_"))
    settled = set().union(*together.settled.values())
    if table == "package_notice":
        assert settled & {index for each in found for index, _ in each.broken}, "what was asked ahead found nothing"
        assert len(settled) >= 10


def typed_alone(
    con: duckdb.DuckDBPyConnection, standard: Standard, table: str, filed: FiledRows
) -> tuple[Judged, list[FieldCompleteness]]:
    work_database.tell_context(con, standard, filed.context)
    work_database.load_rows(con, table, filed.rows)
    filed_rows.type_rows(con, standard, table)
    return judged(con, standard, table, filed.rows.column_names[1:]), completeness_of(con, standard, table)


def judged(con: duckdb.DuckDBPyConnection, standard: Standard, table: str, columns: list[str]) -> Judged:
    """Schema and rows of filed_<table>, as they lie in it, and what the rules find in them."""
    filed = con.sql(f"select * from filed_{table}").to_arrow_table()
    if filed_rows.REASONS_COLUMN in filed.column_names:
        filed = filed.drop_columns([filed_rows.REASONS_COLUMN])
    result = engine.judge_table(con, standard, table, checks_of(standard, table, columns))
    return Judged(
        str(filed.schema),
        filed.to_pylist(),
        {check.index: count for check, count in result.counts.items()},
        con.execute(f"select * from broken_{table} order by all").fetchall(),
        con.execute(f"select * from held_{table} order by all").fetchall(),
    )


def test_a_rule_that_looks_beyond_its_row_keeps_a_table_from_being_typed_together() -> None:
    standard = orchard()
    table = next(name for name in standard.tables if any(rule.scope == "row" for rule in standard.rules_of(name)))
    rule = next(rule for rule in standard.rules_of(table) if rule.scope == "row")
    looking = rule.model_copy(update={"check": f"exists (SELECT 1 from known_{table})"})
    columns = list(standard.tables[table].by_name)
    assert can_be_typed_together(standard, table, columns)
    others = [each for each in standard.rules.values() if each.id != rule.id]
    assert not can_be_typed_together(standard.with_rules([*others, looking]), table, columns)


def test_a_check_that_looks_at_other_rows_than_its_filings_own_is_asked_in_its_turn() -> None:
    standard = orchard()
    table = next(iter(standard.tables))
    rule = standard.rules_of(table)[0]
    other = next(name for name in standard.tables if name != table)
    checks = {
        "exists (select 1 from register_grades as register)": True,
        "count(*) over (partition by tree_id) = 1": True,
        "count(*) OVER (PARTITION BY tree_id) = count(*) over (order by tree_id)": False,
        f"exists (select 1 from known_{table})": False,
        f"exists (select 1 from accepted_{other})": False,
        f"exists (select 1 from filed_{other})": False,
        "tree_id > lag(row_number) over (partition by tree_id)": False,
        "(select max(n) from (select count(*) over (partition by 1) as n))": False,
    }
    found = {sql: _by_itself(standard, Check(rule, None, sql, 0)) is not None for sql in checks}
    assert found == checks
