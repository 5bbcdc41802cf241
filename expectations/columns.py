"""What a whole column of a long table shows, so that its rows need not be asked one by one.

Most columns hold few different texts: a code, a date, a name. What a check makes of a cell by that cell alone, it makes
of each different text once. A check that no cell of the column breaks is left out of the pass over the rows, and a
cast that needs no guard goes without one: what is left out could have found nothing, so the outcome is the same.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import duckdb

from expectations.compile import (
    Check,
    ColumnFacts,
    column_names,
    kind_of,
    missing_column,
    personal_cell,
    quoted,
    text_column,
    typed_rows,
)
from expectations.spec import FieldSpec, Standard, TableSpec

WORTH_IT = 20_000  # rows: below, looking at the columns takes longer than it saves
SAMPLE, FEW_OF_SAMPLE = 20_000, 4_000
MOST_SPELLINGS = 100
LITERAL = re.compile(r"'(?:[^']|'')*'")
WORD = re.compile(r"\w+")
PERSONAL = re.compile(r"personal_cells\[\d+\]")


def study(
    con: duckdb.DuckDBPyConnection, standard: Standard, spec: TableSpec, checks: Sequence[Check]
) -> dict[str, ColumnFacts]:
    """The facts of every field and every filed column of raw_<table>; none where the table is short."""
    raw = f"raw_{spec.table}"
    ((rows,),) = con.execute(f"select count(*) from {raw}").fetchall()
    if rows < WORTH_IT:
        return {}
    filed = [name for name in column_names(con, raw) if name != "row_number"]
    few = _few_texts(con, raw, filed)
    facts = {}
    for name in dict.fromkeys([*spec.by_name, *filed]):
        distinct = "distinct " if few.get(name) else ""
        cells = f"(select {distinct}0 as row_number, {quoted(name)} from {raw})"
        if name not in filed:
            cells = f"(select 0 as row_number, null::varchar as {quoted(name)})"
        own = {check.index: sql for check in checks if (sql := _alone(standard, spec, check, name)) is not None}
        facts[name] = _facts(con, spec.by_name.get(name), name, cells, own, few.get(name, True))
    return facts


def _few_texts(con: duckdb.DuckDBPyConnection, raw: str, filed: Sequence[str]) -> dict[str, bool]:
    """Whether a column's texts repeat, by its first rows: else it costs more to find the different ones."""
    if not filed:
        return {}
    counted = ", ".join(f"count(distinct {quoted(name)})" for name in filed)
    (counts,) = con.execute(f"select {counted} from (select * from {raw} limit {SAMPLE})").fetchall()
    return {name: count <= FEW_OF_SAMPLE for name, count in zip(filed, counts, strict=True)}


def _alone(standard: Standard, spec: TableSpec, check: Check, name: str) -> str | None:
    """SQL of a check of this column if the column is all that it looks at, else null."""
    if check.field != name or check.rule.scope != "row":
        return None
    field = spec.by_name.get(name)
    sql = PERSONAL.sub(f"has_personal_data({personal_cell(field, name)})", check.sql)
    others = (spec.by_name.keys() - {name}) | set(standard.head.context) | {"standard_version", "row_number"}
    named = set(WORD.findall(LITERAL.sub("", sql)))
    return None if named & (others | {f"{other}__{kind}" for other in others for kind in ("text", "missing")}) else sql


def _facts(
    con: duckdb.DuckDBPyConnection,
    field: FieldSpec | None,
    name: str,
    cells: str,
    own: Mapping[int, str],
    few: bool,
) -> ColumnFacts:
    text = text_column(name)
    broken = [f"({sql}) is false" for sql in own.values()]
    gives_reasons = differs = "true"
    if field:
        gives_reasons = missing_column(name)
        if field.base_type in ("date", "integer", "decimal"):
            plain = f"try_cast({text} as {kind_of(field.type)})"
            differs = f"{text} is not null and {name} is distinct from {plain}"
    flags = ", ".join(f"coalesce(bool_or({flag}), false)" for flag in (gives_reasons, differs, *broken))
    codes = few and field is not None and field.base_type == "code"
    texts = f"list({text}) filter (where {text} is not null)" if codes else "null"
    fields = [field] if field else []
    query = f"select {texts}, {flags} from ({typed_rows(fields, [name], cells)})"
    ((found, has_reasons, is_guarded, *are_broken),) = _fetch_as_written(con, query)
    return ColumnFacts(
        frozenset(index for index, is_broken in zip(own, are_broken, strict=True) if not is_broken),
        tuple(sorted(found)) if found is not None and len(found) <= MOST_SPELLINGS else None,
        has_reasons,
        not is_guarded,
    )


def _fetch_as_written(con: duckdb.DuckDBPyConnection, query: str) -> list[tuple[Any, ...]]:
    # inlined into each other by the optimizer, the layers would be planned once for every check
    con.execute("pragma disable_optimizer")
    try:
        return con.execute(query).fetchall()
    finally:
        con.execute("pragma enable_optimizer")
