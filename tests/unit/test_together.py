"""Rows that are typed together are, filing by filing, what each filing's rows are when they are typed alone."""

from typing import Any

import duckdb
import pytest
from judging import orchard, rows_of

from expectations import engine
from expectations.examples import text_rows
from expectations.spec import Standard, load_standard
from expectations.together import FiledRows, can_be_typed_together, type_together, typed_apart

CASES = [
    (standard, table)
    for standard in (orchard(), load_standard())
    for table in standard.tables
    if standard.head.name != "npl" or table == "transfer_result"
]


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
        engine.prepare(con, standard, filings[0].context)
        alone = [typed_alone(con, standard, table, each) for each in filings]
        assert can_be_typed_together(standard, table, filings[0].rows.column_names[1:])
        type_together(con, standard, table, filings, "together")
        for number, expected in reversed(list(enumerate(alone))):
            typed_apart(con, standard, table, "together", number)
            assert typed(con, table) == expected
    assert [len(rows) for _, rows in alone] == [4, 1, 3]
    assert any(value for row in alone[0][1] for name, value in row.items() if name.startswith("mask_"))


def typed_alone(con: duckdb.DuckDBPyConnection, standard: Standard, table: str, filed: FiledRows) -> Any:
    engine.tell_context(con, standard, filed.context)
    engine.load_rows(con, table, filed.rows)
    engine.type_rows(con, standard, table)
    return typed(con, table)


def typed(con: duckdb.DuckDBPyConnection, table: str) -> tuple[str, list[dict[str, Any]]]:
    """Schema and rows of filed_<table>, as they lie in it."""
    found = con.sql(f"select * from filed_{table}").to_arrow_table()
    return str(found.schema), found.to_pylist()


def test_a_rule_that_looks_beyond_its_row_keeps_a_table_from_being_typed_together() -> None:
    standard = orchard()
    table = next(name for name in standard.tables if any(rule.scope == "row" for rule in standard.rules_of(name)))
    rule = next(rule for rule in standard.rules_of(table) if rule.scope == "row")
    looking = rule.model_copy(update={"check": f"exists (SELECT 1 from known_{table})"})
    columns = list(standard.tables[table].by_name)
    assert can_be_typed_together(standard, table, columns)
    others = [each for each in standard.rules.values() if each.id != rule.id]
    assert not can_be_typed_together(standard.with_rules([*others, looking]), table, columns)
