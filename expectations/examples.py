"""Running a rule's own examples through the real engine: the rule's first tests, and its page of the handbook."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import duckdb
import pyarrow as pa

from expectations import engine, filed_rows, near, work_database
from expectations.compile import typed_rows
from expectations.spec import Row, Rule, Standard

FIRST_ROW = 2  # row 1 of a file is its header


class ExampleJudge:
    """Judges examples, each as one small filing of its own.

    The work database is made ready once; what an example puts into it is rolled back. To use in a `with` statement.
    """

    def __init__(self, standard: Standard) -> None:
        self._standard = standard
        # one thread: hundreds of filings of one row are not worth waking others for
        self._con = duckdb.connect(":memory:", config={"threads": 1})
        work_database.prepare(self._con, standard, standard.head.examples.context)
        _register(self._con, standard, standard.head.examples.references)

    def __enter__(self) -> "ExampleJudge":
        return self

    def __exit__(self, *_: object) -> None:
        self._con.close()

    def judge(self, rules: Standard, rule: Rule, rows: Sequence[Row]) -> engine.TableResult:
        """Judge rows of the rule's table, in its surroundings, by every active rule of `rules`.

        Each row is the table's example row with the given cells written over it.
        """
        with self._filing(rule.given):
            return _judge(self._con, rules, rule.judged_table, rows)

    def rules_fired(
        self, rules: Standard, table: str, owned: Sequence[tuple[str, Row]], context: Sequence[Row]
    ) -> list[tuple[str, str]]:
        """(owner, rule id) for every row rule that fires on any of the example rows, judged together in one pass."""
        with self._filing({"context": tuple(context)}):
            result = _judge(self._con, rules, table, [row for _, row in owned])
            found = []
            for check, count in result.counts.items():
                if count:
                    broken = self._con.execute(engine.broken_rows(table, check, list(result.counts))).fetchall()
                    found += [(owned[number - FIRST_ROW][0], check.rule.id) for (number,) in broken]
            return found

    @contextmanager
    def _filing(self, given: Mapping[str, tuple[Row, ...]]) -> Iterator[None]:
        self._con.begin()
        try:
            _surround(self._con, self._standard, given)
            yield
        except duckdb.Error as error:
            # SQL that fails aborts the transaction, and tidying up after it fails in its turn: the first is told
            raise _first(error) from None
        finally:
            self._con.rollback()
            self._con.execute("pragma enable_optimizer")


def _first(error: duckdb.Error) -> duckdb.Error:
    return _first(error.__context__) if isinstance(error.__context__, duckdb.Error) else error


def judge_example(standard: Standard, rule: Rule, rows: Sequence[Row], alone: bool = False) -> engine.TableResult:
    """Judge example rows as one small filing, by every active rule of their table or by the rule `alone`."""
    with ExampleJudge(standard) as judge:
        return judge.judge(standard.with_rules([rule]) if alone else standard, rule, rows)


def example_problems(standard: Standard) -> list[tuple[str, str]]:
    """Rule id and what is wrong, for each active rule that its own examples do not bear out.

    A bad example must break its rule; a good one must break no rule of its table at all. A rule whose SQL does not run
    is told once, and left out of what the good examples of its table are held against.
    """
    problems = []
    running = []
    with ExampleJudge(standard) as judge:
        for rule in standard.rules.values():
            if rule.state != "active":
                continue
            try:
                bad = judge.judge(standard.with_rules([rule]), rule, rule.bad_rows)
            except duckdb.Error as error:
                problems.append((rule.id, f"{type(error).__name__}: {error}"))
                continue
            running.append(rule)
            if not bad.count(rule.id):
                problems.append((rule.id, "反例没有违反本规则 / the bad example does not break it"))
        standard = standard.with_rules(running)
        for rule in running:
            good = judge.judge(standard, rule, rule.good_rows)
            broken = dict.fromkeys(check.rule.id for check, count in good.counts.items() if count)
            if broken:
                problems.append((rule.id, f"正例违反了 {', '.join(broken)} / which the good example breaks"))
    return problems


def _judge(con: duckdb.DuckDBPyConnection, standard: Standard, table: str, rows: Sequence[Row]) -> engine.TableResult:
    work_database.load_rows(con, table, text_rows([standard.example_row(table, row) for row in rows]))
    checks = filed_rows.type_rows(con, standard, table)
    return engine.judge_table(con, standard, table, checks)


def text_rows(rows: Sequence[Row]) -> pa.Table:
    """Rows as a reader would hand them over: `row_number`, then text columns, blank cells null."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns = {name: pa.array([row.get(name) or None for row in rows], pa.string()) for name in names}
    return pa.table({"row_number": pa.array(range(FIRST_ROW, FIRST_ROW + len(rows)), pa.int64()), **columns})


def _surround(con: duckdb.DuckDBPyConnection, standard: Standard, given: Mapping[str, tuple[Row, ...]]) -> None:
    context = dict(standard.head.examples.context)
    for row in given.get("context", ()):
        context |= row
    work_database.tell_context(con, standard, context)
    _register(con, standard, given)
    for name, rows in given.items():
        kind, _, table = name.partition("_")
        if table in standard.all_tables and kind in ("known", "filed"):
            _place(con, standard, kind, table, [standard.example_row(table, row) for row in rows])


def _register(con: duckdb.DuckDBPyConnection, standard: Standard, rows: Mapping[str, tuple[Row, ...]]) -> None:
    """Add rows to the references that are named."""
    for name, shape in standard.head.references.items():
        for row in rows.get(name, ()):
            values = [row.get(column) for column in shape]
            con.execute(f"insert into {name} values ({', '.join('?' * len(values))})", values)


def _place(con: duckdb.DuckDBPyConnection, standard: Standard, kind: str, table: str, rows: Sequence[Row]) -> None:
    """Put rows where a rule will look for them: accepted earlier (`known`), or filed in another table (`filed`)."""
    spec = standard.all_tables[table]
    work_database.load_rows(con, table, text_rows(rows))
    if kind == "filed":
        filed_rows.type_rows(con, standard.with_rules(()), table)
        near.make_known(con, standard, spec)  # with the fields that the rules look at which are judged later
        return
    fields = ", ".join(spec.by_name)
    with filed_rows.planned_as_written(con):
        con.execute(f"""
            insert into accepted_{table} by name
            select 'EARLIER-' || row_number as filing_id, 'EARLIER' as filing_institution, '2021-01' as filing_period,
                   row_number,
                   '{standard.latest_version}' as standard_version, {fields}
            from ({typed_rows(spec.fields, list(spec.by_name), f"raw_{table}")})""")
    con.execute(f"drop table raw_{table}")
    con.execute(f"create table raw_{table} (row_number bigint)")
