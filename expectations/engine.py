"""All rules of a table, judged in DuckDB over its typed rows (`expectations.filed_rows`).

Makes broken_<table> (check_index, row_number) of the rules of scope `table` and `cross`; what row rules find stands in
the masks. Nothing here knows about NPLs: a standard of another field runs the same way.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

import duckdb

from expectations.compile import Check
from expectations.filed_rows import BITS, mask_bit
from expectations.spec import Standard, TableSpec
from expectations.work_database import count_rows, one_row

UNIQUE = re.compile(r"count\(\*\) over \(partition by (\w+(?:, \w+)*)\) = 1\b")


@dataclass(frozen=True)
class TableResult:
    """What one table's pass found: rows judged and held, and the number of findings of each check that was broken."""

    table: str
    rows: int
    held: int
    counts: Mapping[Check, int]

    def count(self, rule_id: str) -> int:
        """Findings of one rule (rows, or rows x fields for a rule that looks at each field)."""
        return self._by_rule.get(rule_id, (0, 0))[0]

    def judged(self, rule_id: str) -> int:
        """How many cells or rows one rule looked at: rows x its checks."""
        return self.rows * self._by_rule.get(rule_id, (0, 0))[1]

    @cached_property
    def _by_rule(self) -> Mapping[str, tuple[int, int]]:
        """Findings and number of checks of each rule: every expectation asks for its own."""
        found: dict[str, tuple[int, int]] = {}
        for check, count in self.counts.items():
            findings, checks = found.get(check.rule.id, (0, 0))
            found[check.rule.id] = findings + count, checks + 1
        return found


def judge_table(con: duckdb.DuckDBPyConnection, standard: Standard, table: str, checks: Sequence[Check]) -> TableResult:
    """Count what every check of a table finds, and mark the held rows in `held_<table>` (row_number)."""
    told = f"from settled_checks where table_name = '{table}'"
    settled = {index for (index,) in con.execute(f"select check_index {told} and row_number is null").fetchall()}
    con.execute(
        f"create or replace table broken_{table} as select check_index, row_number {told} and row_number is not null"
    )
    for check in checks:
        if check.rule.scope != "row" and check.index not in settled:
            con.execute(f"""
                insert into broken_{table}
                select {check.index}, row_number
                from (select row_number, {check.sql} as holds from {_rows_to_ask(check, table)} as filed)
                where not coalesce(holds, true)""")
    row_checks = [check for check in checks if check.rule.scope == "row"]
    rows, broken = _broken_in_rows(con, table, row_checks)
    counts = dict.fromkeys((check.index for check in checks), 0) | broken
    counts |= dict(con.execute(f"select check_index, count(*) from broken_{table} group by 1").fetchall())
    holding = [check for check in checks if check.rule.severity == "hold"]
    con.execute(f"create or replace table held_{table} as {_rows_breaking(table, holding, row_checks)}")
    return TableResult(table, rows, count_rows(con, f"held_{table}"), {check: counts[check.index] for check in checks})


def _rows_to_ask(check: Check, table: str) -> str:
    """The rows that can break a check: where it asks that a key stands once, those whose key's hash stands twice.

    A hash is smaller than a key, needs no sorting, and in a file without doubles rules out every row.
    """
    unique = UNIQUE.search(check.sql)
    if unique is None or check.sql.count(" over ") != 1 or "filed_" in check.sql:
        return f"filed_{table}"
    key = f"hash({unique[1]})"
    return f"""(
        select * from filed_{table}
        where {key} in (select {key} from filed_{table} group by {key} having count(*) > 1))"""


def _broken_in_rows(
    con: duckdb.DuckDBPyConnection, table: str, row_checks: Sequence[Check]
) -> tuple[int, dict[int, int]]:
    """Rows of filed_<table>, and how many of them break each row check that any breaks, by the check's index.

    Which bits stand in any mask is asked first: hardly any does, and to plan a count for each of some hundred checks
    takes eighty times as long as counting the rows of a small filing.
    """
    words = range(-(-len(row_checks) // BITS))
    seen = "".join(f", coalesce(bit_or(mask_{word}), 0)" for word in words)
    rows, *masks = one_row(con, f"select count(*){seen} from filed_{table}")
    broken = [check for place, check in enumerate(row_checks) if masks[place // BITS] >> place % BITS & 1]
    if not broken:
        return rows, {}
    tallies = ", ".join(f"count(*) filter (where {mask_bit(check, row_checks)})" for check in broken)
    any_set = " or ".join(f"mask_{word} <> 0" for word in words)
    counts = one_row(con, f"select {tallies} from filed_{table} where {any_set}")
    return rows, {check.index: count for check, count in zip(broken, counts, strict=True)}


def broken_rows(table: str, check: Check, checks: Sequence[Check]) -> str:
    """SQL of the row numbers that break one check."""
    return _rows_breaking(table, [check], [each for each in checks if each.rule.scope == "row"])


def hold_dependents(con: duckdb.DuckDBPyConnection, standard: Standard, tables: Iterable[str]) -> None:
    """Hold what points at a held row by foreign key, until nothing more is held; `tables` have all been judged."""
    judged = {name: standard.all_tables[name] for name in tables}
    while sum(_hold_children(con, spec, judged.keys()) for spec in judged.values()):
        pass


def _hold_children(con: duckdb.DuckDBPyConnection, spec: TableSpec, judged: Collection[str]) -> int:
    before = count_rows(con, f"held_{spec.table}")
    for foreign in spec.foreign_keys:
        if foreign.table not in judged:
            continue
        same = " and ".join(
            f"child.{ours} = parent.{theirs}" for ours, theirs in zip(foreign.fields, foreign.references, strict=True)
        )
        con.execute(f"""
            insert into held_{spec.table}
            select distinct child.row_number from filed_{spec.table} as child
            join filed_{foreign.table} as parent on {same}
            where parent.row_number in (select row_number from held_{foreign.table})
              and child.row_number not in (select row_number from held_{spec.table})""")
    return count_rows(con, f"held_{spec.table}") - before


def principal_of(con: duckdb.DuckDBPyConnection, spec: TableSpec) -> tuple[Decimal, Decimal]:
    """The table's principal, filed and of it held (unit of the field); 0 where the table names none."""
    if spec.principal_field is None:
        return Decimal(0), Decimal(0)
    filed, held = one_row(
        con,
        f"""
        select coalesce(sum({spec.principal_field}), 0),
               coalesce(sum({spec.principal_field})
                          filter (where row_number in (select row_number from held_{spec.table})), 0)
        from filed_{spec.table}""",
    )
    return Decimal(filed), Decimal(held)


def _rows_breaking(table: str, checks: Sequence[Check], row_checks: Sequence[Check]) -> str:
    bits = [mask_bit(check, row_checks) for check in checks if check.rule.scope == "row"]
    others = [str(check.index) for check in checks if check.rule.scope != "row"]
    parts = [f"select row_number from filed_{table} where {' or '.join(bits)}"] if bits else []
    parts += [f"select row_number from broken_{table} where check_index in ({', '.join(others)})"] if others else []
    return " union ".join(parts) or f"select row_number from filed_{table} where false"
