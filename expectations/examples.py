"""Running a rule's own examples through the real engine: the rule's first tests, and its page of the handbook."""

from collections.abc import Mapping, Sequence

import duckdb
import pyarrow as pa

from expectations import engine
from expectations.compile import typed_rows
from expectations.spec import Row, Rule, Standard

FIRST_ROW = 2  # row 1 of a file is its header


def judge_example(standard: Standard, rule: Rule, rows: Sequence[Row], alone: bool = False) -> engine.TableResult:
    """Judge example rows as one small filing, by every active rule of their table or by the rule `alone`.

    Each row is the table's example row with the rule's cells written over it.
    """
    if alone:
        standard = standard.with_rules([rule])
    with duckdb.connect(":memory:") as con:
        _surround(con, standard, rule.given)
        return _judge(con, standard, rule.judged_table, rows)


def example_problems(standard: Standard) -> list[tuple[str, str]]:
    """Rule id and what is wrong, for each active rule that its own examples do not bear out.

    A bad example must break its rule; a good one must break no rule of its table at all. A rule whose SQL does not run
    is told once, and left out of what the good examples of its table are held against.
    """
    problems = []
    running = []
    for rule in standard.rules.values():
        if rule.state != "active":
            continue
        try:
            bad = judge_example(standard, rule, rule.bad_rows, alone=True)
        except duckdb.Error as error:
            problems.append((rule.id, f"{type(error).__name__}: {error}"))
            continue
        running.append(rule)
        if not bad.count(rule.id):
            problems.append((rule.id, "反例没有违反本规则 / the bad example does not break it"))
    standard = standard.with_rules(running)
    for rule in running:
        good = judge_example(standard, rule, rule.good_rows)
        broken = dict.fromkeys(check.rule.id for check, count in good.counts.items() if count)
        if broken:
            problems.append((rule.id, f"正例违反了 {', '.join(broken)} / which the good example breaks"))
    return problems


def rules_fired(
    standard: Standard, table: str, owned: Sequence[tuple[str, Row]], context: Sequence[Row]
) -> list[tuple[str, str]]:
    """(owner, rule id) for every row rule that fires on any of the example rows, judged together in one pass."""
    with duckdb.connect(":memory:") as con:
        _surround(con, standard, {"context": tuple(context)})
        result = _judge(con, standard, table, [row for _, row in owned])
        found = []
        for check, count in result.counts.items():
            if count:
                broken = con.execute(engine.broken_rows(table, check, list(result.counts))).fetchall()
                found += [(owned[number - FIRST_ROW][0], check.rule.id) for (number,) in broken]
        return found


def _judge(con: duckdb.DuckDBPyConnection, standard: Standard, table: str, rows: Sequence[Row]) -> engine.TableResult:
    engine.load_rows(con, table, text_rows([standard.example_row(table, row) for row in rows]))
    checks = engine.type_rows(con, standard, table)
    return engine.judge_table(con, standard, table, checks)


def text_rows(rows: Sequence[Row]) -> pa.Table:
    """Rows as a reader would hand them over: `row_number`, then text columns, blank cells null."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns = {name: pa.array([row.get(name) or None for row in rows], pa.string()) for name in names}
    return pa.table({"row_number": pa.array(range(FIRST_ROW, FIRST_ROW + len(rows)), pa.int64()), **columns})


def _surround(con: duckdb.DuckDBPyConnection, standard: Standard, given: Mapping[str, tuple[Row, ...]]) -> None:
    around = standard.head.examples
    context = dict(around.context)
    for row in given.get("context", ()):
        context |= row
    engine.prepare(con, standard, context)
    for name, shape in standard.head.references.items():
        for row in (*around.references.get(name, ()), *given.get(name, ())):
            values = [row.get(column) for column in shape]
            con.execute(f"insert into {name} values ({', '.join('?' * len(values))})", values)
    for name, rows in given.items():
        kind, _, table = name.partition("_")
        if table in standard.all_tables and kind in ("known", "filed"):
            _place(con, standard, kind, table, [standard.example_row(table, row) for row in rows])


def _place(con: duckdb.DuckDBPyConnection, standard: Standard, kind: str, table: str, rows: Sequence[Row]) -> None:
    """Put rows where a rule will look for them: accepted earlier (`known`), or filed in another table (`filed`)."""
    engine.load_rows(con, table, text_rows(rows))
    if kind == "filed":
        engine.type_rows(con, standard, table)
        return
    spec = standard.all_tables[table]
    fields = ", ".join(spec.by_name)
    con.execute(f"""
        insert into accepted_{table} by name
        select 'EARLIER-' || row_number as filing_id, 'EARLIER' as filing_institution, '2021-01' as filing_period,
               row_number,
               '{standard.latest_version}' as standard_version, {fields}
        from ({typed_rows(spec, list(spec.by_name), f"raw_{table}")})""")
    con.execute(f"drop table raw_{table}")
    con.execute(f"create table raw_{table} (row_number bigint)")
