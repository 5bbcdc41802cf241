"""What dbt ran, run again without dbt: a plan that is kept for every later build of the same kind (docs/adr/0039).

dbt spends some seven times on itself what its statements cost DuckDB, and the statements are the same until standard,
models or versions change. So dbt builds once of each kind, from nothing and as an update; its manifest is kept, and
what it compiled is run by this module on the database that it left (an update) or on an empty copy of it, with all
views, contracts and comments (from nothing). Whatever this module does not know makes no plan, and dbt builds again.
"""

import json
import logging
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

import duckdb

from expectations.compile import sql_text
from ingest.config import settings
from ingest.errors import StorageError
from ingest.paths import Home, remove_temporaries, temporary_beside, write_text

log = logging.getLogger(__name__)

MANIFEST, RESULTS, EMPTY = "manifest.json", "run_results.json", "empty.duckdb"
_FORGET = re.compile(r"\{\{ forget\('(\w+)', '(\w+)'\) \}\}")
# What a test asks beyond its query, where nothing else is set: no row may come out.
_PLAIN_TEST = {"fail_calc": "count(*)", "warn_if": "!= 0", "error_if": "!= 0", "limit": None, "store_failures": None}
_STRATEGIES = ("append", "delete+insert")


class Kind(StrEnum):
    whole = "whole"
    update = "update"


@dataclass(frozen=True)
class Step:
    """A table to fill or a test to ask, as dbt compiled it.

    `hook` goes before it; `unique_key` names the column of which the new rows replace all that stand.
    """

    unique_id: str
    kind: str
    relation: str
    sql: str
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
    models = [_table(nodes, nodes[name], kind) for name in _parents_first(manifest, wanted)]
    tests = [_test(nodes[name]) for name in sorted(wanted) if nodes[name]["resource_type"] == "test"]
    if not models or not tests:
        raise UnknownStepError("a build without tables or without tests")
    return models + tests


def _parents_first(manifest: Mapping[str, Any], wanted: set[str]) -> list[str]:
    ordered: dict[str, None] = {}
    seen: set[str] = set()

    def add(name: str) -> None:
        if name in seen:
            return
        seen.add(name)
        for parent in manifest["parent_map"].get(name, ()):  # through views, which are not filled themselves
            add(parent)
        if name in wanted:
            ordered[name] = None

    for name in sorted(each for each in wanted if each.startswith("model.")):
        add(name)
    return list(ordered)


def _table(nodes: Mapping[str, Any], node: Mapping[str, Any], kind: Kind) -> Step:
    config = node["config"]
    materialized, hooks = config["materialized"], [hook["sql"] for hook in config["pre-hook"]]
    if materialized not in ("table", "incremental") or config["post-hook"] or len(hooks) > 1:
        raise UnknownStepError(node["name"])
    step = Step(node["unique_id"], materialized, node["relation_name"], node["compiled_code"])
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
        touched = nodes[f"model.{node['package_name']}.{touched}"]["relation_name"]
        hook = f"delete from {step.relation} where {key} in (select {key} from {touched})"
    unique_key = config["unique_key"] if config["incremental_strategy"] == "delete+insert" else None
    return Step(step.unique_id, step.kind, step.relation, step.sql, hook, unique_key)


def _test(node: Mapping[str, Any]) -> Step:
    config = node["config"]
    if any(config[name] != value for name, value in _PLAIN_TEST.items()):
        raise UnknownStepError(node["name"])
    return Step(node["unique_id"], "test", "", node["compiled_code"], only_warns=config["severity"].lower() == "warn")


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


def keep(zones: Home, kind: Kind, made_by: str, built: Path, target: Path, installation: Path) -> None:
    """Keep the plan of a build that dbt has just finished in `built`; `made_by` says by what it was compiled.

    It is kept in the home, and for other homes where the installation may be written to. What cannot be kept costs time
    alone: the build itself stands.
    """
    place, other = (_place(folder, kind, made_by) for folder in (zones.work / "dbt", installation))
    remove_temporaries(place.parent)
    temporary = temporary_beside(place)
    try:
        plan_of(*_ran(target), kind)
        temporary.mkdir()
        for name in (MANIFEST, RESULTS):
            shutil.copyfile(target / name, temporary / name)
        if kind == Kind.whole:
            _write_empty(zones, built, json.loads((target / MANIFEST).read_bytes()), temporary / EMPTY)
        _put(temporary, place)
        temporary = temporary_beside(other)
        shutil.copytree(place, temporary)
        _put(temporary, other)
    except UnknownStepError as error:
        log.warning("dbt alone knows how %s is made: the next build is its own again", error)
    except (OSError, duckdb.Error) as error:
        log.info("a plan is not kept: %s", error)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _place(folder: Path, kind: Kind, made_by: str) -> Path:
    return folder / f"plan_{kind}_{made_by[:16]}"


def _put(temporary: Path, place: Path) -> None:
    """Rename into place; other plans of the same kind go: nothing compiles to them any more."""
    for left in place.parent.glob(f"{place.name.rpartition('_')[0]}_*"):
        shutil.rmtree(left, ignore_errors=True)
    temporary.rename(place)


def _write_empty(zones: Home, built: Path, manifest: Mapping[str, Any], empty: Path) -> None:
    """The database as it is without rows: schemas, tables with contracts and comments, views; seeds keep theirs."""
    with _session(zones) as con:
        con.execute(f"attach {sql_text(str(built))} as npl (read_only)")
        con.execute(f"attach {sql_text(str(empty))} as empty")
        con.execute("copy from database npl to empty (schema)")
        for node in manifest["nodes"].values():
            if node["resource_type"] == "seed":
                relation = f"{node['schema']}.{node['alias']}"
                con.execute(f"insert into empty.{relation} from npl.{relation}")


def build(zones: Home, kind: Kind, made_by: str, being_built: Path, target: Path, installation: Path) -> bool:
    """Build by the plan that is kept, if there is one; leave in `target` what dbt would leave of the build.

    Raises:
        StorageError: a statement or a test failed; its text tells which. dbt tells more of the same.
    """
    places = [_place(folder, kind, made_by) for folder in (zones.work / "dbt", installation)]
    place = next((each for each in places if each.exists()), None)
    if place is None or "," in str(zones.root.resolve()):  # DuckDB reads that setting as a list
        return False
    try:
        steps = plan_of(*_ran(place), kind)
    except (UnknownStepError, OSError, ValueError, KeyError) as error:
        log.warning("the plan %s is damaged: %s", place, error)
        return False
    if kind == Kind.whole:
        shutil.copyfile(place / EMPTY, being_built)
    results = []
    with _session(zones) as con:
        con.execute(f"attach {sql_text(str(being_built))} as npl")
        for step in steps:
            began = datetime.now(UTC)
            try:
                told = take(con, step, kind)
            except duckdb.Error as error:
                raise StorageError(f"市场表构建失败：{step.unique_id}", f"{step.unique_id}: {error}") from error
            if told and not step.only_warns:
                raise StorageError(f"检验未通过：{step.unique_id}", f"{step.unique_id} told of {told} rows")
            results.append(_result(step, told, began, datetime.now(UTC)))
    target.mkdir(parents=True, exist_ok=True)
    write_text(target / RESULTS, json.dumps(_results(place, results)))
    shutil.copyfile(place / MANIFEST, target / MANIFEST)
    return True


def _session(zones: Home) -> duckdb.DuckDBPyConnection:
    """As dbt's profile has it: views name files relative to the home."""
    place = zones.work / "dbt"
    place.mkdir(parents=True, exist_ok=True)
    con = duckdb.connect(
        ":memory:",
        config={
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "threads": settings().threads,
            "memory_limit": settings().warehouse_memory_limit,
            "temp_directory": str(place / "spill"),
        },
    )
    con.execute(f"set file_search_path = {sql_text(str(zones.root.resolve()))}")
    return con


def _ran(place: Path) -> tuple[dict[str, Any], list[str]]:
    results = json.loads((place / RESULTS).read_bytes())["results"]
    return json.loads((place / MANIFEST).read_bytes()), [each["unique_id"] for each in results]


def _result(step: Step, told: int, began: datetime, ended: datetime) -> dict[str, Any]:
    """What dbt would tell of a node."""
    moments = {"started_at": began.isoformat(), "completed_at": ended.isoformat()}
    return {
        "unique_id": step.unique_id,
        "status": "success" if step.kind != "test" else "warn" if told else "pass",
        "timing": [{"name": name, **moments} for name in ("compile", "execute")],
        "execution_time": (ended - began).total_seconds(),
        "adapter_response": {},
        "failures": told if step.kind == "test" else None,
    }


def _results(place: Path, results: list[dict[str, Any]]) -> dict[str, Any]:
    """As dbt would tell of this build: who made the plan, and what each step took now."""
    told: dict[str, Any] = json.loads((place / RESULTS).read_bytes())
    return told | {"results": results, "elapsed_time": sum(each["execution_time"] for each in results)}
