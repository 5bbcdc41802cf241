"""From filed tables to a verdict, with or without Great Expectations: the same pass, the same counts.

`judge_typed` is what `npl check` runs; `expectations.suites.judge_with_expectations` puts the same counts before Great
Expectations, whose Checkpoint gives the verdict of record.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import lru_cache
from typing import Literal

import duckdb
import pyarrow as pa

from expectations import engine, filed_rows, work_database
from expectations.compile import Check, checks_of, column_names
from expectations.spec import Standard

Verdict = Literal["accepted", "accepted_with_holds", "rejected"]


@dataclass(frozen=True)
class Judgement:
    """A filing's verdict and what each of its tables was found to be (system tables last)."""

    verdict: Verdict
    results: Mapping[str, engine.TableResult]


def verdict_of(broken_severities: Iterable[str]) -> Verdict:
    """What a filing with findings of these severities becomes."""
    severities = set(broken_severities)
    if "reject" in severities:
        return "rejected"
    return "accepted_with_holds" if "hold" in severities else "accepted"


def judging_order(standard: Standard, filed: Sequence[str]) -> list[str]:
    """The filed tables in the standard's order, then the system tables, which look back at them."""
    return [name for name in standard.tables if name in filed] + [
        name for name, table in standard.all_tables.items() if table.system
    ]


def type_filing(
    con: duckdb.DuckDBPyConnection, standard: Standard, filed: Sequence[str], typed: Collection[str] = ()
) -> None:
    """Type the rows of every filed table, so that a rule of one can look into another; `typed` are typed already.

    A system table is typed when its turn to be judged comes: before that only if a filed one's rule looks at it.
    """
    for table in judging_order(standard, filed):
        is_wanted = not standard.all_tables[table].system or any(_looks_at(standard, each, table) for each in filed)
        if is_wanted and table not in typed:
            filed_rows.type_rows(con, standard, table)


@lru_cache(maxsize=64)
def _looks_at(standard: Standard, table: str, other: str) -> bool:
    checks = checks_of(standard, table, list(standard.all_tables[table].by_name))
    return any(f"_{other}" in sql for sql in (standard.macros, *(check.sql for check in checks)))


def judge_one(
    con: duckdb.DuckDBPyConnection, standard: Standard, table: str, filed: Sequence[str]
) -> engine.TableResult:
    """Judge one table; the last filed one also holds what depends on held rows, and system tables are told of both."""
    if standard.all_tables[table].system:
        held = {name: work_database.count_rows(con, f"held_{name}") for name in standard.tables if name in filed}
        # rows that were typed ahead are those of a filing of which nothing is held
        if any(held.values()) or not work_database.is_typed_ahead(con, table):
            _note_holds(con, standard, table, held)
            filed_rows.type_rows(con, standard, table)
    result = engine.judge_table(con, standard, table, _checks(con, standard, table))
    judged = [name for name in standard.tables if name in filed]
    if judged and table == judged[-1]:
        engine.hold_dependents(con, standard, judged)
    con.execute(f"create or replace table result_{table} (check_index integer, findings bigint)")
    for check, count in result.counts.items():
        if count:
            con.execute(f"insert into result_{table} values (?, ?)", [check.index, count])
    return result


def recorded_results(
    con: duckdb.DuckDBPyConnection, standard: Standard, filed: Sequence[str]
) -> dict[str, engine.TableResult]:
    """What `judge_one` found earlier, read back from the work database (another connection may have judged)."""
    results = {}
    for table in judging_order(standard, filed):
        counts = dict(con.execute(f"select check_index, findings from result_{table}").fetchall())
        results[table] = engine.TableResult(
            table,
            work_database.count_rows(con, f"filed_{table}"),
            work_database.count_rows(con, f"held_{table}"),
            {check: counts.get(check.index, 0) for check in _checks(con, standard, table)},
        )
    return results


def _checks(con: duckdb.DuckDBPyConnection, standard: Standard, table: str) -> list[Check]:
    return checks_of(standard, table, [name for name in column_names(con, f"raw_{table}") if name != "row_number"])


def judge_directly(con: duckdb.DuckDBPyConnection, standard: Standard, filed: Sequence[str]) -> Judgement:
    """Judge a whole filing without Great Expectations."""
    type_filing(con, standard, filed)
    return judge_typed(con, standard, filed)


def judge_typed(con: duckdb.DuckDBPyConnection, standard: Standard, filed: Sequence[str]) -> Judgement:
    """Judge rows that are typed already, as often as what they are compared with changes."""
    results = {table: judge_one(con, standard, table, filed) for table in judging_order(standard, filed)}
    # a child may have been judged before its parent's held rows were known
    results = {
        table: replace(result, held=work_database.count_rows(con, f"held_{table}")) for table, result in results.items()
    }
    broken = (check.rule.severity for result in results.values() for check, count in result.counts.items() if count)
    return Judgement(verdict_of(broken), results)


def nothing_held(standard: Standard, system_table: str, rows: pa.Table) -> pa.Table:
    """Rows of a system table as they are when nothing of any filed table is held."""
    if not _tells_of_holds(standard, system_table):
        return rows
    for name, text in (("held_rows", str(0)), ("held_principal_ratio", _ratio(Decimal(0)))):
        rows = rows.append_column(name, pa.array([text] * rows.num_rows, pa.string()))
    return rows


def _note_holds(
    con: duckdb.DuckDBPyConnection, standard: Standard, system_table: str, held_rows: Mapping[str, int]
) -> None:
    if not _tells_of_holds(standard, system_table):
        return
    for name in ("held_rows", "held_principal_ratio"):
        con.execute(f"alter table raw_{system_table} add column if not exists {name} varchar")
    for table, rows in held_rows.items():
        filed, held = engine.principal_of(con, standard.all_tables[table]) if rows else (Decimal(0), Decimal(0))
        con.execute(
            f"update raw_{system_table} set held_rows = ?, held_principal_ratio = ? where table_name = ?",
            [str(rows), _ratio(held / filed if filed else Decimal(0)), table],
        )


def _tells_of_holds(standard: Standard, system_table: str) -> bool:
    return {"table_name", "held_rows", "held_principal_ratio"} <= set(standard.all_tables[system_table].by_name)


def _ratio(ratio: Decimal) -> str:
    return f"{ratio:.6f}"
