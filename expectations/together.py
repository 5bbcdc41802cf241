"""Rows of many small filings, typed and asked in a single pass whatever does not depend on a filing's turn.

What such a pass takes for a few rows is planning, and no less for one row than for a thousand. A row's type, its values
and the rules of scope `row` depend on nothing but the row and its filing's context. So do rules that look into no more
than registers, and rules within a table while the rows of each filing stay among themselves. Filings that lie waiting
share the pass; whatever looks at other filings or tables is asked filing by filing, when its turn comes.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from expectations.compile import Check, checks_of, kind_of
from expectations.completeness import FieldCompleteness, completeness_by
from expectations.filed_rows import judged_rows, planned_as_written
from expectations.near import make_known
from expectations.spec import Standard

STRIDE = 1 << 32
"""Rows are numbered filing * STRIDE + row while they are together."""
FILING = f"row_number // {STRIDE}"
LOOKS_ELSEWHERE = re.compile(r"\b(?:select|row_number)\b", re.IGNORECASE)
WORD = re.compile(r"\w+")
WINDOW = re.compile(r"\bover\b", re.IGNORECASE)
PARTED_WINDOW = re.compile(r"\bover \(partition by ", re.IGNORECASE)


@dataclass(frozen=True)
class FiledRows:
    """One table of one filing: its rows as text (first column `row_number`), and what is known of its filing."""

    rows: pa.Table
    context: Mapping[str, str | None]


@dataclass(frozen=True)
class Together:
    """Rows of one table of several filings, typed in the relation `name`; filings are numbered from 0.

    `settled` are, by filing, the indices of the checks across rows that need not be asked any more; which rows break
    them stands in the relation `<name>_broken` (filing, check_index, row_number).
    """

    table: str
    name: str
    settled: Mapping[int, frozenset[int]]
    completeness: Mapping[int, list[FieldCompleteness]]

    def drop(self, con: duckdb.DuckDBPyConnection) -> None:
        """Make room: what was typed is not needed any more."""
        con.execute(f"drop table {self.name}")
        con.execute(f"drop table {self.name}_broken")


def can_be_typed_together(standard: Standard, table: str, columns: Sequence[str]) -> bool:
    """Whether no rule of one row looks at anything but its row."""
    checks = checks_of(standard, table, columns)
    return not any(check.rule.scope == "row" and LOOKS_ELSEWHERE.search(check.sql) for check in checks)


def type_together(
    con: duckdb.DuckDBPyConnection, standard: Standard, table: str, filed: Sequence[FiledRows], name: str
) -> Together:
    """Make the relation `name` of the typed rows of all these, which have the same columns; `typed_apart` parts it."""
    spec = standard.all_tables[table]
    columns = [column for column in filed[0].rows.column_names if column != "row_number"]
    checks = checks_of(standard, table, columns)
    rows = pa.concat_tables(
        each.rows.set_column(0, "row_number", pc.add(each.rows["row_number"], number * STRIDE))
        for number, each in enumerate(filed)
    )
    known = {key: pa.array([each.context.get(key) for each in filed], pa.string()) for key in standard.head.context}
    con.register("rows_together", rows)
    con.register("known_together", pa.table({"filing": pa.array(range(len(filed)), pa.int64()), **known}))
    context = "".join(f", known.{key}::{kind_of(kind)} as {key}" for key, kind in standard.head.context.items())
    told = f"select as_typed.*{context} from as_typed join known_together as known on known.filing = as_typed.{FILING}"
    try:
        with planned_as_written(con):
            con.execute(
                f"create or replace table {name} as "
                + judged_rows(standard, spec, columns, checks, "rows_together", told, with_reasons=True)
            )
        return Together(
            table,
            name,
            _settle(con, standard, checks, name, len(filed)),
            completeness_by(con, standard, spec, set(columns), FILING, name, "rows_together"),
        )
    finally:
        con.unregister("rows_together")
        con.unregister("known_together")


def typed_apart(con: duckdb.DuckDBPyConnection, standard: Standard, together: Together, number: int) -> None:
    """Make filed_<table> and known_<table> of the filing of this number."""
    con.execute(f"""
        create or replace table filed_{together.table} as
        select * replace ((row_number - {number * STRIDE})::bigint as row_number) from {together.name}
        where {FILING} = {number} order by row_number""")
    make_known(con, standard, standard.all_tables[together.table])


def settled_of(together: Together, number: int) -> list[str]:
    """Queries of what is settled of the filing of this number, for `engine.settle_checks`."""
    listed = ", ".join(map(str, sorted(together.settled[number])))
    return [
        f"select '{together.table}', check_index, row_number from {together.name}_broken where filing = {number}",
        f"select '{together.table}', unnest([{listed}]::integer[]), null",
        f"select '{together.table}', null, null",
    ]


def _settle(
    con: duckdb.DuckDBPyConnection, standard: Standard, checks: Sequence[Check], name: str, filings: int
) -> dict[int, frozenset[int]]:
    """Ask the checks across rows whose turn does not matter; the settled ones by filing.

    A check that no row of a filing is asked of is settled as well.
    """
    across = [check for check in checks if check.rule.scope != "row"]
    unasked = _unasked(con, across, name)
    by_itself = {check.index: sql for check in across if (sql := _by_itself(standard, check)) is not None}
    con.execute(f"create or replace table {name}_broken (filing integer, check_index integer, row_number bigint)")
    for index, sql in by_itself.items():
        if len(unasked.get(index, ())) < filings:
            con.execute(f"""
                insert into {name}_broken select {FILING}, {index}, row_number % {STRIDE}
                from (select row_number, {sql} as holds from {name} as filed)
                where not coalesce(holds, true)""")
    return {
        filing: frozenset(by_itself) | {index for index, where in unasked.items() if filing in where}
        for filing in range(filings)
    }


def _unasked(con: duckdb.DuckDBPyConnection, checks: Sequence[Check], name: str) -> dict[int, set[int]]:
    """The filings in which each of these checks is asked of no row, by the check's index."""
    asked = [check for check in checks if check.condition and not LOOKS_ELSEWHERE.search(check.condition)]
    if not asked:
        return {}
    counts = ", ".join(f"count(*) filter (where {check.condition})" for check in asked)
    found = con.execute(f"select {FILING}, {counts} from {name} as filed group by 1").fetchall()
    return {
        check.index: {filing for filing, *counted in found if not counted[place]} for place, check in enumerate(asked)
    }


def _by_itself(standard: Standard, check: Check) -> str | None:
    """SQL of a check for rows of several filings; null of one that looks at other filings, tables or the whole filing.

    A window over rows keeps to its filing; a subquery may look into registers alone.
    """
    sql = check.sql
    if _others(standard) & {word.lower() for text in (sql, standard.macros) for word in WORD.findall(text)}:
        return None
    windows = len(WINDOW.findall(sql))
    if windows and (LOOKS_ELSEWHERE.search(sql) or len(PARTED_WINDOW.findall(sql)) != windows):
        return None
    return PARTED_WINDOW.sub(f"over (partition by {FILING}, ", sql)


@lru_cache(maxsize=8)
def _others(standard: Standard) -> frozenset[str]:
    """Names by which a rule looks at more than its filing's rows of its own table."""
    relations = {
        f"{kind}_{table}"
        for kind in ("raw", "accepted", "reached", "filed", "known", "near", "tally", "broken", "held")
        for table in standard.all_tables
    }
    return frozenset(relations | {"filing_context", "settled_checks", "row_number"})
