"""What dbt ran is run again as it ran; what only dbt knows is left to dbt."""

import json
import random
from pathlib import Path
from threading import Barrier
from typing import Any

import duckdb
import pytest

from ingest import dbt, kept_plan, plan_steps
from ingest.dbt import database_being_built
from ingest.errors import StorageError
from ingest.paths import Home
from ingest.plan_steps import Kind, Step, UnknownStepError, plan_of, take, take_all

COMPILED_BY = "these models"
TEST = {"fail_calc": "count(*)", "warn_if": "!= 0", "error_if": "!= 0", "limit": None, "store_failures": None}


def _model(name: str, kind: str, sql: str, **config: Any) -> dict[str, Any]:
    return {
        "unique_id": f"model.p.{name}",
        "name": name,
        "alias": name,
        "schema": "main",
        "package_name": "p",
        "resource_type": "model",
        "relation_name": f'"npl"."main"."{name}"',
        "compiled_code": sql,
        "config": {"materialized": kind, "pre-hook": [], "post-hook": [], "unique_key": None} | config,
    }


def _test(name: str, sql: str, **config: Any) -> dict[str, Any]:
    node = {"unique_id": f"test.p.{name}", "name": name, "resource_type": "test", "compiled_code": sql}
    return node | {"config": {"materialized": "test", "severity": "ERROR"} | TEST | config}


def _manifest(*nodes: dict[str, Any], parents: dict[str, list[str]] | None = None) -> dict[str, Any]:
    """`parents` by models' names."""
    named = {f"model.p.{name}": [f"model.p.{each}" for each in over] for name, over in (parents or {}).items()}
    return {"nodes": {node["unique_id"]: node for node in nodes}, "parent_map": named}


LOANS = _model(
    "loans",
    "incremental",
    "select 2 as key, 20 as money",
    incremental_strategy="delete+insert",
    unique_key="key",
    **{"pre-hook": [{"sql": "{{ forget('key', 'touched') }}"}]},
)
TOUCHED = _model("touched", "table", "select 1 as key")
VIEW = _model("between", "view", "select 1")
SUMS = _model("a_sum", "table", 'select sum(money)::int as money from "npl"."main"."loans"')
HOLDS = _test("holds", 'from "npl"."main"."a_sum" where money < 0')
ALL = (SUMS, VIEW, LOANS, TOUCHED, HOLDS)
PARENTS = {"a_sum": ["between"], "between": ["loans"], "loans": ["touched"]}


def test_tables_come_after_what_they_are_made_from_and_tests_after_all() -> None:
    manifest = _manifest(*ALL, parents=PARENTS)
    steps = plan_of(manifest, list(manifest["nodes"]), Kind.update)
    assert [step.unique_id.rpartition(".")[2] for step in steps] == ["touched", "loans", "a_sum", "holds"]


def test_only_what_dbt_ran_is_run() -> None:
    manifest = _manifest(*ALL, parents=PARENTS)
    steps = plan_of(manifest, ["model.p.loans", "test.p.holds", "operation.p.hook"], Kind.update)
    assert [step.unique_id for step in steps] == ["model.p.loans", "test.p.holds"]


@pytest.mark.parametrize(
    "node",
    [
        _model("t", "external", "select 1"),
        _model("t", "table", "select 1", **{"post-hook": [{"sql": "analyze"}]}),
        _model("t", "table", "select 1", **{"pre-hook": [{"sql": "analyze"}]}),
        _model("t", "incremental", "select 1", incremental_strategy="merge"),
        _model("t", "incremental", "select 1", incremental_strategy="append", **{"pre-hook": [{"sql": "analyze"}]}),
        _test("t", "select 1", limit=1),
        _test("t", "select 1", fail_calc="max(x)"),
        _test("t", "select 1", error_if="> 10"),
    ],
)
def test_what_only_dbt_knows_makes_no_plan(node: dict[str, Any]) -> None:
    manifest = _manifest(TOUCHED, HOLDS, node)
    assert plan_of(_manifest(TOUCHED, HOLDS), ["model.p.touched", "test.p.holds"], Kind.update)
    with pytest.raises(UnknownStepError):
        plan_of(manifest, list(manifest["nodes"]), Kind.update)


def test_a_build_without_tests_is_no_build() -> None:
    with pytest.raises(UnknownStepError):
        plan_of(_manifest(TOUCHED), ["model.p.touched"], Kind.update)


@pytest.fixture
def standing() -> duckdb.DuckDBPyConnection:
    con = duckdb.connect(":memory:")
    con.execute("attach ':memory:' as npl")
    con.execute("create table npl.main.touched as select 9 as key")
    con.execute("create table npl.main.loans as from (values (1, 10), (2, 11), (3, 30)) as t (key, money)")
    con.execute("create table npl.main.a_sum as select 51 as money")
    return con


def test_an_update_forgets_what_was_touched_and_replaces_what_comes_anew(standing: duckdb.DuckDBPyConnection) -> None:
    manifest = _manifest(*ALL, parents=PARENTS)
    told = [take(standing, step, Kind.update) for step in plan_of(manifest, list(manifest["nodes"]), Kind.update)]
    assert standing.execute("from npl.main.loans order by key").fetchall() == [(2, 20), (3, 30)]
    assert standing.execute("from npl.main.a_sum").fetchall() == [(50,)]
    assert told == [0, 0, 0, 0]


def test_a_table_that_reads_itself_sees_what_stood_there(standing: duckdb.DuckDBPyConnection) -> None:
    relation = '"npl"."main"."a_sum"'
    take(standing, Step("model.p.a_sum", "table", relation, f"select money + 1 as money from {relation}"), Kind.update)
    assert standing.execute("from npl.main.a_sum").fetchall() == [(52,)]


def test_a_test_tells_how_many_rows_break_it(standing: duckdb.DuckDBPyConnection) -> None:
    sql = "from npl.main.loans where money > 10 -- a comment at its end"
    assert take(standing, Step("test.p.holds", "test", "", sql), Kind.whole) == 2


def _sessions(count: int) -> list[duckdb.DuckDBPyConnection]:
    con = duckdb.connect(":memory:")
    return [con.cursor() for _ in range(count)]


def _step(name: str, *needs: str) -> Step:
    return Step(name, "table", name, "select 1 as one", frozenset(needs))


def test_steps_that_need_nothing_of_each_other_are_taken_side_by_side(monkeypatch: pytest.MonkeyPatch) -> None:
    both = Barrier(2, timeout=30)
    monkeypatch.setattr(plan_steps, "take", lambda con, step, kind: both.wait() and 0)
    taken = take_all([_step("a"), _step("b")], Kind.update, _sessions(2))
    assert [each.step.unique_id for each in taken] == ["a", "b"]


def test_no_step_is_begun_before_what_it_needs_has_ended() -> None:
    draw = random.Random(3)
    names = [f"s{number}" for number in range(40)]
    steps = [_step(name, *draw.sample(names[:place], k=min(place, 2))) for place, name in enumerate(names)]
    sessions = _sessions(3)
    for step in steps:
        sessions[0].execute(f"create table {step.relation} (one int)")
    taken = {each.step.unique_id: each for each in take_all(steps, Kind.whole, sessions)}
    assert len(taken) == len(steps)
    for each in taken.values():
        assert all(taken[need].ended <= each.began for need in each.step.needs)
        assert sessions[0].execute(f"from {each.step.relation}").fetchall() == [(1,)]


def test_nothing_is_begun_after_a_failure() -> None:
    (session,) = _sessions(1)
    session.execute("create table b (one int)")
    with pytest.raises(StorageError) as failed:
        take_all([_step("a"), _step("b", "a")], Kind.whole, [session])
    assert "a: Catalog Error" in failed.value.en
    assert session.execute("from b").fetchall() == []


def test_a_table_needs_what_its_hook_looks_at_and_what_lies_behind_a_view() -> None:
    manifest = _manifest(*ALL, parents=PARENTS | {"loans": []})
    needs = {step.unique_id: step.needs for step in plan_of(manifest, list(manifest["nodes"]), Kind.update)}
    assert needs["model.p.loans"] == {"model.p.touched"}
    assert needs["model.p.a_sum"] == {"model.p.loans"}


@pytest.fixture
def kept(npl_home: Home, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Kind]:
    """A plan of either kind, kept of a build that dbt made; and a list of what dbt is asked for from then on."""
    monkeypatch.setattr(dbt, "DBT_PROJECT", tmp_path / "project")
    asked: list[Kind] = []

    def run_dbt(zones: Home, kind: Kind, target: Path, log: Path) -> None:
        asked.append(kind)
        target.mkdir(parents=True, exist_ok=True)
        manifest = _manifest(*ALL, parents=PARENTS)
        results = [{"unique_id": name} for name in manifest["nodes"]]
        (target / "manifest.json").write_text(json.dumps(manifest))
        (target / "run_results.json").write_text(json.dumps({"results": results, "metadata": {"made": "by dbt"}}))

    monkeypatch.setattr(dbt, "_run_dbt", run_dbt)
    being_built = database_being_built(npl_home)
    being_built.parent.mkdir(parents=True)
    for kind in Kind:
        _stand(being_built)
        dbt.build(kind, COMPILED_BY)
    assert asked == list(Kind)
    asked.clear()
    return asked


def _stand(place: Path, money: int = 30) -> None:
    place.unlink(missing_ok=True)
    with duckdb.connect(str(place)) as con:
        con.execute("create table touched (key int not null)")
        con.execute(f"create table loans as from (values (1, 10), (2, 11), (3, {money})) as t (key, money)")
        con.execute("create table a_sum (money int); comment on column a_sum.money is 'in CNY'")
        con.execute("create view between as from loans")


def _rows(place: Path, table: str) -> list[Any]:
    with duckdb.connect(str(place), read_only=True) as con:
        return con.execute(f"from {table} order by all").fetchall()


def test_a_build_from_nothing_fills_an_empty_copy(npl_home: Home, kept: list[Kind]) -> None:
    being_built = database_being_built(npl_home)
    being_built.unlink()
    manifest = dbt.build(Kind.whole, COMPILED_BY)
    assert kept == []
    assert _rows(being_built, "loans") == [(2, 20)]
    assert _rows(being_built, "between") == [(2, 20)]
    with duckdb.connect(str(being_built)) as con:
        assert con.execute("select comment from duckdb_columns() where comment is not null").fetchall() == [("in CNY",)]
        with pytest.raises(duckdb.ConstraintException):
            con.execute("insert into touched values (null)")
    results = json.loads((manifest.parent / "run_results.json").read_text())
    assert [each["status"] for each in results["results"]] == ["success", "success", "success", "pass"]
    assert results["metadata"] == {"made": "by dbt"}


def test_an_update_starts_from_what_stands(npl_home: Home, kept: list[Kind]) -> None:
    _stand(database_being_built(npl_home), money=31)
    dbt.build(Kind.update, COMPILED_BY)
    assert kept == []
    assert _rows(database_being_built(npl_home), "loans") == [(2, 20), (3, 31)]


def test_another_home_of_the_installation_builds_by_the_plan(
    npl_home: Home, kept: list[Kind], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Home(tmp_path / "other")
    monkeypatch.setattr(dbt, "home", lambda: other)
    database_being_built(other).parent.mkdir(parents=True)
    dbt.build(Kind.whole, COMPILED_BY)
    assert kept == []
    assert _rows(database_being_built(other), "a_sum") == [(20,)]


def test_other_models_are_compiled_by_dbt_and_the_old_plan_goes(npl_home: Home, kept: list[Kind]) -> None:
    dbt.build(Kind.whole, "other models")
    assert kept == [Kind.whole]
    assert len(list((npl_home.work / "dbt").glob("plan_whole_*"))) == 1


def test_an_update_that_breaks_a_test_fails_and_tells_which(npl_home: Home, kept: list[Kind]) -> None:
    _stand(database_being_built(npl_home), money=-99)
    with pytest.raises(StorageError):
        dbt.build(Kind.update, COMPILED_BY)
    assert kept == []
    assert "test.p.holds told of 1 rows" in (npl_home.logs / "dbt_update.log").read_text()


def test_a_build_from_nothing_that_fails_is_made_by_dbt(
    npl_home: Home, kept: list[Kind], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan_steps, "take", lambda con, step, kind: con.execute("select nothing").fetchall())
    _stand(database_being_built(npl_home))

    def dbt_builds(zones: Home, kind: Kind, target: Path, log: Path) -> None:
        assert not database_being_built(zones).exists()
        kept.append(kind)

    monkeypatch.setattr(dbt, "_run_dbt", dbt_builds)
    monkeypatch.setattr(kept_plan, "keep", lambda *_: None)
    dbt.build(Kind.whole, COMPILED_BY)
    assert kept == [Kind.whole]
    assert "nothing" in (npl_home.logs / "dbt_plan.log").read_text()


@pytest.mark.parametrize("kind", Kind)
def test_a_damaged_plan_is_none_and_dbt_leaves_a_new_one(npl_home: Home, kept: list[Kind], kind: Kind) -> None:
    (place,) = (npl_home.work / "dbt").glob(f"plan_{kind}_*")
    (place / "manifest.json").write_text("{ half")
    dbt.build(kind, COMPILED_BY)
    assert kept == [kind]
    assert json.loads((place / "manifest.json").read_text()) == _manifest(*ALL, parents=PARENTS)


def test_a_home_whose_path_duckdb_would_split_is_left_to_dbt(
    npl_home: Home, kept: list[Kind], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Home(tmp_path / "one, two")
    monkeypatch.setattr(dbt, "home", lambda: other)
    _stand_in = database_being_built(other)
    _stand_in.parent.mkdir(parents=True)
    _stand(_stand_in)
    dbt.build(Kind.update, COMPILED_BY)
    assert kept == [Kind.update]
