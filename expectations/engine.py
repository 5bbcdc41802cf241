"""All rules of a table, judged in DuckDB.

Relations in the work database (one per filing), for each table of the standard:
  raw_<table>        as filed: `row_number`, then one text column per filed column (made by whoever reads the filing)
  accepted_<table>   accepted rows in force, typed (made by whoever keeps them; empty when there are none)
  filed_<table>      typed rows and `mask_<n>`: bit i set when check i of the row scope is broken; of a long table also
                     `missing_reasons` as accepted rows have it (so of rows that were typed together with those of
                     other filings) and `blanks_<n>`: bit i set when field i is blank.
                     A long table whose database is a file lies beside it as Parquet, and this is a view of it: such a
                     file takes a third of the work of a table of the database
  known_<table>      accepted_<table> and filed_<table> together, for rules across filings; of a large table there are
                     also near_<table> and tally_<table>, which cost less (`expectations.near`)
  broken_<table>     (check_index, row_number) of the rules of scope `table` and `cross`
and for all tables together:
  settled_checks     (table_name, check_index, row_number) of such rules that need not be asked any more: the rows that
                     break them, and one without a row number for each; one without either says that filed_<table>
                     was typed before the filing's turn
Row rules are ONE select over the raw rows: casts, masks and typed rows come out of the same pass.
Nothing here knows about NPLs: a standard of another field runs the same way.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property, lru_cache
from typing import Any

import duckdb
import pyarrow as pa

from expectations.columns import study
from expectations.compile import (
    UNKNOWN,
    Check,
    ColumnFacts,
    checks_of,
    column_names,
    kind_of,
    macros_of,
    missing_reasons,
    personal_cells,
    spelled_codes,
    sql_text,
    text_column,
    typed_rows,
    version_expression,
)
from expectations.near import show_plainly
from expectations.spec import Standard, TableSpec

BITS = 63  # a BIGINT's usable bits
REASONS_COLUMN = "missing_reasons"
BLANKS = "blanks_"
# DuckDB 2.0.1 takes a cast into the reading of a CSV file, where a bad value raises instead of becoming null
DISABLED_OPTIMIZERS = "type_pushdown"
# it makes a join of a long list after IN; what comes out of a join two threads write as it comes to each
# (seen with Parquet as source), and rows would lie out of their order
UNORDERED_OPTIMIZERS = "in_clause"
WORD = re.compile(r"\w+")
MACRO = re.compile(r"\bmacro (\w+)\(")
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


@dataclass(frozen=True)
class WorkDatabase:
    """Where the relations of one filing live, and the limits that keep one filing from taking the machine.

    `path` is a file, or `:memory:<name>`: that lasts as long as a connection of this process to it is open. `spill` is
    the folder for what does not fit into memory; empty is beside the file.
    """

    path: str
    memory_limit: str = "2GB"
    threads: int = 2
    spill: str = ""

    def connect(self) -> duckdb.DuckDBPyConnection:
        """Another connection to it: those of one process share what was committed."""
        config: dict[str, str | bool | int | float | list[str]] = {
            "memory_limit": self.memory_limit,
            "threads": self.threads,
            "disabled_optimizers": DISABLED_OPTIMIZERS,
        }
        return duckdb.connect(self.path, config=config | ({"temp_directory": self.spill} if self.spill else {}))


def connect(path: str, memory_limit: str = "2GB", threads: int = 2) -> duckdb.DuckDBPyConnection:
    """A connection to a work database with the limits that keep one filing from taking the machine."""
    return WorkDatabase(path, memory_limit, threads).connect()


def prepare(con: duckdb.DuckDBPyConnection, standard: Standard, context: Mapping[str, str | None]) -> None:
    """Make the standard's macros, the filing's context and empty relations for whatever was not provided."""
    for statement in macros_of(standard):
        con.execute(statement)
    tell_context(con, standard, context)
    settle_checks(con, [])
    present = relations(con)
    for name, shape in standard.head.references.items():
        if name not in present:
            con.execute(
                f"create table {name} ({', '.join(f'{column} {kind_of(kind)}' for column, kind in shape.items())})"
            )
            for row in standard.registers.get(name, ()):
                con.execute(f"insert into {name} values ({', '.join('?' * len(row))})", list(row.values()))
    for table in standard.all_tables.values():
        if f"accepted_{table.table}" not in present:
            con.execute(f"create table accepted_{table.table} ({accepted_ddl(table)})")
        show_plainly(con, table)
        if f"raw_{table.table}" not in present:
            con.execute(f"create table raw_{table.table} (row_number bigint)")
        _make_unfiled(con, standard, table)


def take_back(con: duckdb.DuckDBPyConnection, standard: Standard, tables: Iterable[str]) -> None:
    """Make these tables as those that a filing does not carry, for the next filing in the same work database."""
    for table in tables:
        con.execute(f"create or replace table raw_{table} (row_number bigint)")
        _make_unfiled(con, standard, standard.all_tables[table])


def _make_unfiled(con: duckdb.DuckDBPyConnection, standard: Standard, spec: TableSpec) -> None:
    con.execute(f"create or replace table filed_{spec.table} as select * from accepted_{spec.table} limit 0")
    make_known(con, standard, spec)


def tell_context(con: duckdb.DuckDBPyConnection, standard: Standard, context: Mapping[str, str | None]) -> None:
    """Make `filing_context`: what is known of the whole filing."""
    columns = ", ".join(
        f"{sql_text(context.get(name))}::{kind_of(kind)} as {name}" for name, kind in standard.head.context.items()
    )
    con.execute(f"create or replace table filing_context as select {columns or '1 as nothing'}")


def settle_checks(con: duckdb.DuckDBPyConnection, queries: Sequence[str]) -> None:
    """Make `settled_checks` of what these queries find, in place of what was settled before."""
    found = " union all ".join(queries or ["select null, null, null limit 0"])
    con.execute(
        "create or replace table settled_checks as "
        "select table_name::varchar as table_name, check_index::integer as check_index, "
        f"row_number::bigint as row_number from ({found}) as found(table_name, check_index, row_number)"
    )


def unsettle(con: duckdb.DuckDBPyConnection, table: str) -> None:
    """Forget what was settled of a table: its rows are no longer those of which it was found."""
    con.execute(f"delete from settled_checks where table_name = '{table}'")


def is_typed_ahead(con: duckdb.DuckDBPyConnection, table: str) -> bool:
    """Whether filed_<table> was typed before the filing's turn, and what is settled of it still holds."""
    return bool(
        _one(con, f"select count(*) from settled_checks where table_name = '{table}' and check_index is null")[0]
    )


def _context_values(con: duckdb.DuckDBPyConnection, standard: Standard) -> dict[str, str]:
    """SQL literals of what is known of the whole filing: a join would copy every column of every row for them."""
    names = list(standard.head.context)
    texts = ", ".join(f"{name}::varchar" for name in names)
    values = _one(con, f"select {texts} from filing_context") if names else ()
    return {
        name: f"{sql_text(value)}::{kind_of(standard.head.context[name])}"
        for name, value in zip(names, values, strict=True)
    }


def relations(con: duckdb.DuckDBPyConnection) -> set[str]:
    """Names of the tables and views in the work database."""
    return {name for (name,) in con.execute("select table_name from information_schema.tables").fetchall()}


def drop_relation(con: duckdb.DuckDBPyConnection, name: str) -> None:
    """Drop a table or a view, whichever has this name, if any."""
    kind = "table" if (name,) in con.execute("select table_name from duckdb_tables()").fetchall() else "view"
    con.execute(f"drop {kind} if exists {name}")


def accepted_ddl(table: TableSpec) -> str:
    """Columns of accepted rows, as DuckDB DDL."""
    fields = ", ".join(f"{field.name} {kind_of(field.type)}" for field in table.fields)
    return (
        "filing_id varchar, filing_institution varchar, filing_period varchar, "
        "row_number bigint, standard_version varchar, "
        f"{fields}, missing_reasons map(varchar, varchar)"
    )


def load_rows(con: duckdb.DuckDBPyConnection, table: str, rows: pa.Table) -> None:
    """Make raw_<table> from text rows (first column `row_number`)."""
    con.register("rows_as_filed", rows)
    con.execute(f"create or replace table raw_{table} as select * from rows_as_filed")
    con.unregister("rows_as_filed")


@contextmanager
def planned_as_written(con: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """No optimizer inside, for layered projections with no filter or join to plan.

    It would inline the layers into each other and plan every cast once per rule, five times the cost of running them
    on a small filing.
    """
    con.execute("pragma disable_optimizer")
    try:
        yield
    finally:
        # a transaction that an error has aborted takes no statement, and would hide the error
        with suppress(duckdb.TransactionException):
            con.execute("pragma enable_optimizer")


def type_rows(con: duckdb.DuckDBPyConnection, standard: Standard, table: str) -> list[Check]:
    """Make filed_<table> from raw_<table>, and known_<table>; return the table's checks, in bit order.

    What was settled of other rows of the table is settled no more.
    """
    unsettle(con, table)
    spec = standard.all_tables[table]
    filed = column_names(con, f"raw_{table}")
    columns = [name for name in filed if name != "row_number"]
    checks = checks_of(standard, table, columns)
    facts = study(con, standard, spec, checks)
    told = "".join(f", {value} as {name}" for name, value in _context_values(con, standard).items())
    judged = judged_rows(standard, spec, columns, checks, f"raw_{table}", f"select *{told} from as_typed", facts)
    if facts:
        _keep_long(con, f"filed_{table}", judged)
    else:
        with planned_as_written(con):
            con.execute(f"create or replace table filed_{table} as {judged}")
    make_known(con, standard, spec)
    return checks


def judged_rows(
    standard: Standard,
    spec: TableSpec,
    columns: Sequence[str],
    checks: Sequence[Check],
    source: str,
    told: str,
    facts: Mapping[str, ColumnFacts] | None = None,
    with_reasons: bool = False,
) -> str:
    """SQL of filed_<table> from rows of text; `told` is a query over `as_typed` that adds the filing's context.

    `with_reasons` adds `missing_reasons`, which a long table (one with `facts`) always has.
    """
    facts = facts or {}
    unbroken = frozenset(index for each in facts.values() for index in each.unbroken)
    dirty = {check.field for check in checks if check.rule.for_each == "columns" and check.index not in unbroken}
    cells = personal_cells(spec, columns, lambda name: name not in dirty)
    typed = typed_rows(spec.fields, columns, source, f", {cells} as personal_cells", facts, spelled_codes(standard))
    kept = ", ".join(field.name for field in spec.fields)
    row_checks = [check for check in checks if check.rule.scope == "row"]
    masks = ", ".join(f"{mask} as mask_{number}" for number, mask in enumerate(_masks(row_checks, unbroken)))
    beside = ""
    if facts or with_reasons:
        reasons = missing_reasons(standard, spec, columns, lambda name: facts.get(name, UNKNOWN).gives_reasons)
        beside = f", {reasons} as {REASONS_COLUMN}"
    if facts:
        beside += "".join(f", {word} as {BLANKS}{number}" for number, word in enumerate(_blank_words(spec)))
    return f"""
        with as_typed as ({typed}),
        as_told as ({told}),
        as_judged as (select *, {version_expression(standard, spec)} as standard_version from as_told)
        select row_number, standard_version, {", ".join(filter(None, [kept, *standard.head.context, masks]))}{beside}
        from as_judged"""


def _keep_long(con: duckdb.DuckDBPyConnection, name: str, query: str) -> None:
    """Keep the rows of a query under this name, in their order. Planning is soon made up for in a long table."""
    place = _one(con, "select path from duckdb_databases() where database_name = current_database()")[0]
    if place is None:
        con.execute(f"create or replace table {name} as {query}")
        return
    drop_relation(con, name)
    file = sql_text(f"{place}.{name}.parquet")
    con.execute(f"set disabled_optimizers = '{DISABLED_OPTIMIZERS},{UNORDERED_OPTIMIZERS}'")
    try:
        con.execute(f"copy ({query}) to {file} (format parquet, compression lz4_raw)")
    finally:
        con.execute(f"set disabled_optimizers = '{DISABLED_OPTIMIZERS}'")
    con.execute(f"create view {name} as select * from read_parquet({file})")


def _blank_words(spec: TableSpec) -> list[str]:
    """SQL of the words of bits that say which fields are blank as filed."""
    names = [field.name for field in spec.fields]
    words = [names[start : start + BITS] for start in range(0, len(names), BITS)]
    return [
        _either(
            [f"(case when {text_column(name)} is null then {1 << bit} else 0 end)" for bit, name in enumerate(word)]
        )
        for word in words
    ]


def is_blank(spec: TableSpec, field: str) -> str:
    """SQL of whether a field of a row of filed_<table> is blank as filed; only a long table's rows tell."""
    word, bit = divmod(list(spec.by_name).index(field), BITS)
    return f"{BLANKS}{word} & {1 << bit} <> 0"


def is_long(filed_columns: Collection[str]) -> bool:
    """Whether these are the columns of filed_<table> of a long table."""
    return f"{BLANKS}0" in filed_columns


def make_known(con: duckdb.DuckDBPyConnection, standard: Standard, spec: TableSpec) -> None:
    """Make known_<table> and near_<table> over accepted rows and filed_<table> as they are now.

    They have the fields that rules look at: they are planned anew for every rule that looks at them, field by field.
    """
    for name, accepted in (("known", "accepted"), *([("near", "reached")] if spec.near_by else [])):
        kept = ", ".join(["standard_version", *known_fields(standard, spec.table, name)])
        con.execute(f"""
            create or replace view {name}_{spec.table} as
            select filing_id, row_number, {kept}, false as is_filed from {accepted}_{spec.table}
            union all by name
            select null as filing_id, row_number, {kept}, true as is_filed from filed_{spec.table}""")


@lru_cache(maxsize=64)
def known_fields(standard: Standard, table: str, relation: str) -> tuple[str, ...]:
    """The fields of a table named by any rule that looks at known_<table> (or near_<table>), or by a macro it calls."""
    macros = {
        named[1]: set(WORD.findall(statement))
        for statement in standard.macros.split(";\n")
        if (named := MACRO.search(statement))
    }
    words: set[str] = set()
    for name, spec in standard.all_tables.items():
        for check in checks_of(standard, name, list(spec.by_name)):
            sql = " ".join([check.sql, check.rule.suggestion or "", *check.rule.show.values()])
            if f"{relation}_{table}" in sql:
                words.update(WORD.findall(sql))
    while more := set().union(*(macros[word] for word in words & macros.keys())) - words:
        words |= more
    return tuple(name for name in standard.all_tables[table].by_name if name in words)


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
    rows, *masks = _one(con, f"select count(*){seen} from filed_{table}")
    broken = [check for place, check in enumerate(row_checks) if masks[place // BITS] >> place % BITS & 1]
    if not broken:
        return rows, {}
    tallies = ", ".join(f"count(*) filter (where {_bit(check, row_checks)})" for check in broken)
    any_set = " or ".join(f"mask_{word} <> 0" for word in words)
    counts = _one(con, f"select {tallies} from filed_{table} where {any_set}")
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
    filed, held = _one(
        con,
        f"""
        select coalesce(sum({spec.principal_field}), 0),
               coalesce(sum({spec.principal_field})
                          filter (where row_number in (select row_number from held_{spec.table})), 0)
        from filed_{spec.table}""",
    )
    return Decimal(filed), Decimal(held)


def count_rows(con: duckdb.DuckDBPyConnection, relation: str) -> int:
    """Rows of a relation of the work database."""
    return int(_one(con, f"select count(*) from {relation}")[0])


def _one(con: duckdb.DuckDBPyConnection, sql: str) -> tuple[Any, ...]:
    # fetchone() would leave a streaming result open, and DuckDB 2 then refuses the next statement
    (row,) = con.execute(sql).fetchall()
    return tuple(row)


def _masks(row_checks: Sequence[Check], unbroken: Collection[int] = ()) -> list[str]:
    """SQL of the words of bits; a check that nothing breaks leaves its bit at zero."""
    words = [row_checks[start : start + BITS] for start in range(0, len(row_checks), BITS)]
    return [
        _either(
            [
                f"(case when {check.sql} is false then {1 << bit} else 0 end)"
                for bit, check in enumerate(word)
                if check.index not in unbroken
            ]
            or ["0"]
        )
        for word in words
    ]


def _either(terms: Sequence[str]) -> str:
    """SQL of `a | b | c ..` as a balanced tree: DuckDB plans a term once for each operator above it."""
    if len(terms) == 1:
        return terms[0]
    middle = len(terms) // 2
    return f"({_either(terms[:middle])} | {_either(terms[middle:])})"


def _bit(check: Check, row_checks: Sequence[Check]) -> str:
    word, bit = divmod(row_checks.index(check), BITS)
    return f"mask_{word} & {1 << bit} <> 0"


def _rows_breaking(table: str, checks: Sequence[Check], row_checks: Sequence[Check]) -> str:
    bits = [_bit(check, row_checks) for check in checks if check.rule.scope == "row"]
    others = [str(check.index) for check in checks if check.rule.scope != "row"]
    parts = [f"select row_number from filed_{table} where {' or '.join(bits)}"] if bits else []
    parts += [f"select row_number from broken_{table} where check_index in ({', '.join(others)})"] if others else []
    return " union ".join(parts) or f"select row_number from filed_{table} where false"
