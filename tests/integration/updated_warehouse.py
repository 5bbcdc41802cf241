"""What dbt would run over a home, from nothing and as an update, run without dbt: so that many homes can be tried.

The SQL is dbt's own, compiled once against no database and once against one that stands. How a model is kept (its hook,
delete and insert) is dbt's business: here it is done again by the model's configuration, and one test runs dbt itself.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

FORGET = re.compile(r"forget\('(\w+)', '(\w+)'\)")


@dataclass(frozen=True)
class Model:
    """A model as dbt compiled it: over nothing, and over a database that stands."""

    name: str
    schema: str
    kind: str
    unique_key: str | None
    forgets: tuple[str, str] | None
    full_sql: str
    update_sql: str

    @property
    def relation(self) -> str:
        return f"npl.{self.schema}.{self.name}"


def models_behind(wanted: list[str], full: Path, update: Path, given: Mapping[str, str]) -> list[Model]:
    """These models and all behind them, parents first, from the `target` folders of two compilations.

    What stands in `given` is this SQL instead, and nothing is behind it.
    """
    nodes = json.loads((update / "manifest.json").read_text(encoding="utf-8"))["nodes"]
    ordered: dict[str, Model] = {}

    def add(identifier: str) -> None:
        node = nodes.get(identifier)
        if node is None or node["resource_type"] != "model" or identifier in ordered:
            return
        if node["name"] in given:
            sql = given[node["name"]]
            ordered[identifier] = Model(node["name"], node["schema"], "table", None, None, sql, sql)
            return
        for parent in node["depends_on"]["nodes"]:
            add(parent)
        ordered[identifier] = _model(node, full, update)

    for name in wanted:
        add(f"model.npl_warehouse.{name}")
    return list(ordered.values())


def _model(node: dict[str, Any], full: Path, update: Path) -> Model:
    place = Path("compiled") / "npl_warehouse" / node["original_file_path"]
    hooks = " ".join(hook["sql"] for hook in node["config"]["pre-hook"])
    forgets = FORGET.search(hooks)
    assert bool(forgets) == bool(hooks), f"{node['name']} has another hook than this knows: {hooks}"
    return Model(
        node["name"],
        node["schema"],
        node["config"]["materialized"],
        node["config"]["unique_key"],
        (forgets[1], forgets[2]) if forgets else None,
        (full / place).read_text(encoding="utf-8"),
        (update / place).read_text(encoding="utf-8"),
    )


def build_from_nothing(con: duckdb.DuckDBPyConnection, models: list[Model]) -> None:
    """Make every model over the home in the working directory, in a database attached as `npl`."""
    for schema in sorted({model.schema for model in models}):
        con.execute(f"create schema npl.{schema}")
    for model in models:
        kind = "view" if model.kind == "view" else "table"
        con.execute(f"create {kind} {model.relation} as {model.full_sql}")


def update(con: duckdb.DuckDBPyConnection, models: list[Model]) -> None:
    """Bring the models up to date with what was filed since."""
    for model in models:
        if model.kind == "table":
            con.execute(f"create or replace temp table made as {model.update_sql}")
            con.execute(f"create or replace table {model.relation} as from made")
        elif model.kind == "incremental":
            if model.forgets:
                key, touched = model.forgets
                con.execute(
                    f"delete from {model.relation} where {key} in (select {key} from npl.intermediate.{touched})"
                )
            con.execute(f"create or replace temp table made as {model.update_sql}")
            if model.unique_key:
                con.execute(
                    f"delete from {model.relation} where {model.unique_key} in (select {model.unique_key} from made)"
                )
            con.execute(f"insert into {model.relation} by name from made")


def rows(con: duckdb.DuckDBPyConnection, model: Model) -> list[str]:
    """All rows of a model, as texts, in an order of their own."""
    found = con.execute(f"select cast(t as varchar) from {model.relation} as t order by 1").fetchall()
    return [text for (text,) in found]
