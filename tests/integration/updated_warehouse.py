"""The models that grow and all behind them, on many small homes: made from nothing, and updated as the platform does.

dbt compiled them once against no database and once against one that stands; what they do from then on is the program's
own (`ingest.kept_plan`), which runs every update of the platform but the first.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb

from ingest.kept_plan import MANIFEST
from ingest.plan_steps import Kind, Step, plan_of, take


@dataclass(frozen=True)
class Model:
    """A model as dbt compiled it over nothing, and how an update makes it; a view is left as it is."""

    name: str
    schema: str
    kind: str
    full_sql: str
    update: Step | None

    @property
    def relation(self) -> str:
        return f'"npl"."{self.schema}"."{self.name}"'


def models_behind(wanted: list[str], full: Path, update: Path, given: Mapping[str, str]) -> list[Model]:
    """These models and all behind them, parents first, from the `target` folders of two compilations.

    What stands in `given` is this SQL instead, and nothing is behind it.
    """
    compiled = json.loads((full / MANIFEST).read_bytes())["nodes"]
    manifest = json.loads((update / MANIFEST).read_bytes())
    nodes = manifest["nodes"]
    tables = [name for name, node in nodes.items() if node.get("compiled_code") and not name.startswith("seed.")]
    steps = {step.unique_id: step for step in plan_of(manifest, tables, Kind.update)}
    ordered: dict[str, Model] = {}

    def add(identifier: str) -> None:
        node = nodes.get(identifier)
        if node is None or node["resource_type"] != "model" or identifier in ordered:
            return
        sql = given.get(node["name"])
        if sql is not None:
            step = Step(identifier, "table", node["relation_name"], sql)
            ordered[identifier] = Model(node["name"], node["schema"], "table", sql, step)
            return
        for parent in node["depends_on"]["nodes"]:
            add(parent)
        ordered[identifier] = Model(
            node["name"],
            node["schema"],
            node["config"]["materialized"],
            compiled[identifier]["compiled_code"],
            steps.get(identifier),
        )

    for name in wanted:
        add(f"model.npl_warehouse.{name}")
    return list(ordered.values())


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
        if model.update:
            take(con, model.update, Kind.update)


def rows(con: duckdb.DuckDBPyConnection, model: Model) -> list[str]:
    """All rows of a model, as texts, in an order of their own."""
    found = con.execute(f"select cast(t as varchar) from {model.relation} as t order by 1").fetchall()
    return [text for (text,) in found]
