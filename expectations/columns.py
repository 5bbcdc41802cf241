"""What a whole column of a long table shows, so that its rows need not be asked one by one.

Most columns hold few different texts: a code, a date, a name. What a check makes of a cell by that cell alone, it makes
of each different text once. A check that no cell of the column breaks is left out of the pass over the rows, and a
cast that needs no guard goes without one: what is left out could have found nothing, so the outcome is the same.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
    """The facts of every field and every filed column of raw_<table>; none where the table is short.

    The rows are gone through once, for what stands in all columns: they may lie in a file that has to be read for it.
    """
    raw = f"raw_{spec.table}"
    ((rows,),) = con.execute(f"select count(*) from (select row_number from {raw} limit {WORTH_IT})").fetchall()
    if rows < WORTH_IT:
        return {}
    filed = [name for name in column_names(con, raw) if name != "row_number"]
    looks = {
        name: _Look(
            spec.by_name.get(name),
            name,
            {check.index: sql for check in checks if (sql := _alone(standard, spec, check, name)) is not None},
        )
        for name in dict.fromkeys([*spec.by_name, *filed])
    }
    few = _few_texts(con, raw, filed)
    try:
        return _facts_of_all(con, raw, filed, looks, few)
    except duckdb.OutOfMemoryException:
        # the first rows misled: what repeats there does not repeat further down
        return _facts_of_all(con, raw, filed, looks, dict.fromkeys(filed, False))


@dataclass(frozen=True)
class _Look:
    """One column and its own checks, by index."""

    field: FieldSpec | None
    name: str
    own: Mapping[int, str]

    @property
    def flags(self) -> list[str]:
        """SQL of what is asked of a cell: does it give a reason, is its cast guarded, does it break the checks."""
        text = text_column(self.name)
        gives_reasons = differs = "true"
        if self.field:
            gives_reasons = missing_column(self.name)
            if self.field.base_type in ("date", "integer", "decimal"):
                plain = f"try_cast({text} as {kind_of(self.field.type)})"
                differs = f"{text} is not null and {self.name} is distinct from {plain}"
        return [gives_reasons, differs, *(f"({sql}) is false" for sql in self.own.values())]

    def facts(self, texts: Sequence[str] | None, found: Sequence[bool]) -> ColumnFacts:
        """What the answers mean; `texts` are all that stand in the column, where they are few and codes."""
        has_reasons, is_guarded, *are_broken = found
        return ColumnFacts(
            frozenset(index for index, is_broken in zip(self.own, are_broken, strict=True) if not is_broken),
            tuple(sorted(texts)) if texts is not None and len(texts) <= MOST_SPELLINGS else None,
            has_reasons,
            not is_guarded,
        )


def _facts_of_all(
    con: duckdb.DuckDBPyConnection,
    raw: str,
    filed: Sequence[str],
    looks: Mapping[str, _Look],
    few: Mapping[str, bool],
) -> dict[str, ColumnFacts]:
    many = [looks[name] for name in filed if not few[name]]
    texts = {name: f"texts_{number}" for number, name in enumerate(name for name in filed if few[name])}
    gathered = [
        f"case when count({text_column(name)}) < count(*) then list_append(list(distinct {text_column(name)}), null) "
        f"else list(distinct {text_column(name)}) end as {column}"
        for name, column in texts.items()
    ]
    flags = ", ".join(f"coalesce(bool_or({flag}), false)" for look in many for flag in look.flags)
    asked = ", ".join([*gathered, f"[{flags}]::boolean[] as flags"])
    fields = [look.field for look in many if look.field]
    con.execute(f"create or replace temp table column_texts as select {asked} from ({typed_rows(fields, filed, raw)})")
    ((answers,),) = con.execute("select flags from column_texts").fetchall()
    facts = {}
    for look in many:
        wanted = len(look.flags)
        facts[look.name] = look.facts(None, answers[:wanted])
        answers = answers[wanted:]
    for name, look in looks.items():
        if name not in facts:
            cells = (
                f"unnest({texts[name]}) as {quoted(name)} from column_texts"
                if name in texts
                else f"null::varchar as {quoted(name)}"
            )
            facts[name] = _facts(con, look, f"(select 0 as row_number, {cells})")
    con.execute("drop table column_texts")
    return {name: facts[name] for name in looks}


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


def _facts(con: duckdb.DuckDBPyConnection, look: _Look, cells: str) -> ColumnFacts:
    """The facts of one column from its different texts."""
    field, text = look.field, text_column(look.name)
    flags = ", ".join(f"coalesce(bool_or({flag}), false)" for flag in look.flags)
    codes = field is not None and field.base_type == "code"
    texts = f"list({text}) filter (where {text} is not null)" if codes else "null"
    query = f"select {texts}, {flags} from ({typed_rows([field] if field else [], [look.name], cells)})"
    ((found, *answers),) = _fetch_as_written(con, query)
    return look.facts(found, answers)


def _fetch_as_written(con: duckdb.DuckDBPyConnection, query: str) -> list[tuple[Any, ...]]:
    # inlined into each other by the optimizer, the layers would be planned once for every check
    con.execute("pragma disable_optimizer")
    try:
        return con.execute(query).fetchall()
    finally:
        con.execute("pragma enable_optimizer")
