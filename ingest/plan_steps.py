"""What dbt compiled, as steps: tables to fill and tests to ask, and how they are taken without dbt (docs/adr/0039)."""

import re
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from graphlib import TopologicalSorter
from queue import SimpleQueue
from typing import Any

import duckdb

from ingest.errors import StorageError

_FORGET = re.compile(r"\{\{ forget\('(\w+)', '(\w+)'\) \}\}")
# What a test asks beyond its query, where nothing else is set: no row may come out.
_PLAIN_TEST = {"fail_calc": "count(*)", "warn_if": "!= 0", "error_if": "!= 0", "limit": None, "store_failures": None}
_STRATEGIES = ("append", "delete+insert")


class Kind(StrEnum):
    whole = "whole"
    update = "update"


@dataclass(frozen=True)
class Step:
    """A table to fill or a test to ask, as dbt compiled it, and the steps that must have been taken before.

    `hook` goes before it; `unique_key` names the column of which the new rows replace all that stand.
    """

    unique_id: str
    kind: str
    relation: str
    sql: str
    needs: frozenset[str] = frozenset()
    hook: str | None = None
    unique_key: str | None = None
    only_warns: bool = False


class UnknownStepError(Exception):
    """A model or test is configured in a way that only dbt knows."""


def plan_of(manifest: Mapping[str, Any], ran: Sequence[str], kind: Kind) -> list[Step]:
    """The tables that dbt filled, parents first, then the tests that it asked.

    Raises:
        UnknownStepError: only dbt knows how.
    """
    nodes = manifest["nodes"]
    wanted = {name for name in ran if name in nodes and nodes[name]["config"]["materialized"] not in ("view", "seed")}
    asked = [name for name in sorted(wanted) if nodes[name]["resource_type"] == "test"]
    tables = {name: _table(manifest, name, wanted, kind) for name in sorted(wanted.difference(asked))}
    parents = {name: sorted(step.needs) for name, step in tables.items()}  # sorted: the same plan each time
    models = [tables[name] for name in TopologicalSorter(parents).static_order()]
    made = frozenset(tables)
    tests = [_test(nodes[name], made) for name in asked]
    if not models or not tests:
        raise UnknownStepError("a build without tables or without tests")
    return models + tests


def _needs(manifest: Mapping[str, Any], name: str, wanted: Collection[str]) -> frozenset[str]:
    """The nearest of what is wanted that a node is made from, seen through views, which are not filled themselves."""
    needs, seen = set(), {name}

    def look(at: str) -> None:
        for parent in manifest["parent_map"].get(at, ()):
            if parent in wanted:
                needs.add(parent)
            elif parent not in seen:
                seen.add(parent)
                look(parent)

    look(name)
    return frozenset(needs)


def _table(manifest: Mapping[str, Any], name: str, wanted: Collection[str], kind: Kind) -> Step:
    nodes = manifest["nodes"]
    node, needs = nodes[name], _needs(manifest, name, wanted)
    config = node["config"]
    materialized, hooks = config["materialized"], [hook["sql"] for hook in config["pre-hook"]]
    if materialized not in ("table", "incremental") or config["post-hook"] or len(hooks) > 1:
        raise UnknownStepError(node["name"])
    step = Step(node["unique_id"], materialized, node["relation_name"], node["compiled_code"], needs)
    if materialized == "table" and not hooks:
        return step
    if materialized == "table" or config["incremental_strategy"] not in _STRATEGIES:
        raise UnknownStepError(node["name"])
    if kind == Kind.whole:  # nothing stands that a new row could replace
        return step
    forgets = [_FORGET.fullmatch(hook) for hook in hooks]
    if not all(forgets):
        raise UnknownStepError(node["name"])
    hook = None
    for found in filter(None, forgets):
        key, touched = found.groups()
        touched = f"model.{node['package_name']}.{touched}"
        needs |= {touched}.intersection(wanted)
        hook = f"delete from {step.relation} where {key} in (select {key} from {nodes[touched]['relation_name']})"
    unique_key = config["unique_key"] if config["incremental_strategy"] == "delete+insert" else None
    return replace(step, needs=needs, hook=hook, unique_key=unique_key)


def _test(node: Mapping[str, Any], needs: frozenset[str]) -> Step:
    config = node["config"]
    if any(config[name] != value for name, value in _PLAIN_TEST.items()):
        raise UnknownStepError(node["name"])
    only_warns = config["severity"].lower() == "warn"
    return Step(node["unique_id"], "test", "", node["compiled_code"], needs, only_warns=only_warns)


def take(con: duckdb.DuckDBPyConnection, step: Step, kind: Kind) -> int:
    """Take a step in the database attached as `npl`; return how many rows its test told of (0 of a table)."""
    rows = f"({step.sql}\n)"
    if step.kind == "test":
        ((told,),) = con.execute(f"select count(*) from {rows} as told").fetchall()
        return int(told)
    if kind == Kind.update:
        if step.hook:
            con.execute(step.hook)
        if step.kind == "incremental" or step.relation in step.sql:  # it reads what stands there itself
            con.execute(f"create or replace temp table made as {rows}")
            rows = "made"
        if step.kind == "table":
            con.execute(f"truncate {step.relation}")
        elif step.unique_key:
            con.execute(f"delete from {step.relation} where {step.unique_key} in (select {step.unique_key} from made)")
    con.execute(f"insert into {step.relation} by name from {rows}")
    return 0


@dataclass(frozen=True)
class Taken:
    """A step that was taken: how many rows its test told of, and when."""

    step: Step
    told: int
    began: datetime
    ended: datetime


def take_all(steps: Sequence[Step], kind: Kind, sessions: Sequence[duckdb.DuckDBPyConnection]) -> list[Taken]:
    """Take all steps, as many at a time as there are sessions of the database, each once what it needs is there.

    Raises:
        StorageError: a statement failed or a test told of rows; its text tells which. Nothing is begun after that.
    """
    free: SimpleQueue[duckdb.DuckDBPyConnection] = SimpleQueue()
    for session in sessions:
        free.put(session)
    by_id = {step.unique_id: step for step in steps}
    order = TopologicalSorter({step.unique_id: step.needs for step in steps})
    order.prepare()
    taken: dict[str, Taken] = {}
    with ThreadPoolExecutor(len(sessions)) as pool:
        running: set[Future[Taken]] = set()
        try:
            while order.is_active():
                running |= {pool.submit(_taken, by_id[name], kind, free) for name in order.get_ready()}
                done, running = wait(running, return_when=FIRST_COMPLETED)
                for each in done:
                    one = each.result()
                    taken[one.step.unique_id] = one
                    order.done(one.step.unique_id)
        finally:  # after a failure nothing that waits is begun
            pool.shutdown(cancel_futures=True)
    return [taken[step.unique_id] for step in steps]


def _taken(step: Step, kind: Kind, free: "SimpleQueue[duckdb.DuckDBPyConnection]") -> Taken:
    session = free.get()
    began = datetime.now(UTC)
    try:
        told = take(session, step, kind)
    except duckdb.Error as error:
        raise StorageError(f"市场表构建失败：{step.unique_id}", f"{step.unique_id}: {error}") from error
    finally:
        free.put(session)
    if told and not step.only_warns:
        raise StorageError(f"检验未通过：{step.unique_id}", f"{step.unique_id} told of {told} rows")
    return Taken(step, told, began, datetime.now(UTC))
