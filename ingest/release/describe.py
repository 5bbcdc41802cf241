"""What the tables of a release mean. Nothing is written here: definitions are the models', labels and codes the
standard's, types the database's own."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import yaml

from expectations.model import Bilingual, Standard
from ingest.dbt import DBT_PROJECT
from ingest.disclosure.texts import descriptions
from ingest.release.tables import parquet_name

CODE_LIST = re.compile(r"\bcode list (\w+)", re.IGNORECASE)
LANGUAGES_PART = re.compile(r"(.*) / ([\u3400-\u9fff].*)")
UNIT_OF_SUFFIX = {"cny": "CNY", "yi": "亿元", "days": "days", "ratio": "0-1", "pct": "%", "count": "1"}


@dataclass(frozen=True)
class Column:
    """A column of a released table; `type` is DuckDB's, `label` the standard's name of the field it comes from."""

    name: str
    type: str
    description: Bilingual
    label: Bilingual | None
    unit: str | None
    code_list: str | None
    is_key: bool

    @property
    def base_type(self) -> str:
        """The type without its arguments."""
        return self.type.partition("(")[0]


@dataclass(frozen=True)
class Table:
    """A released table: what one row is, which columns tell rows apart, and what to beware of."""

    schema: str
    table: str
    rows: int
    description: Bilingual
    grain: tuple[str, ...]
    warnings: tuple[Bilingual, ...]
    columns: tuple[Column, ...]

    @property
    def name(self) -> str:
        return f"{self.schema}.{self.table}"

    @property
    def file(self) -> str:
        return parquet_name(self.schema, self.table)


def describe(con: duckdb.DuckDBPyConnection, tables: Iterable[tuple[str, str]], standard: Standard) -> list[Table]:
    """What the tables of the database attached as `release` mean."""
    models, labels = _models(), _Fields(standard)
    return [_described(con, schema, table, models.get((schema, table), {}), labels) for schema, table in tables]


def _described(
    con: duckdb.DuckDBPyConnection, schema: str, table: str, model: Mapping[str, Any], fields: "_Fields"
) -> Table:
    meta = model.get("config", {}).get("meta", {})
    place = [schema, table]
    listed = con.execute(
        "select column_name, data_type, coalesce(comment, '') from duckdb_columns() "
        "where database_name = 'release' and schema_name = ? and table_name = ? order by column_index",
        place,
    ).fetchall()
    ((comment,),) = con.execute(
        "select coalesce(comment, '') from duckdb_tables() "
        "where database_name = 'release' and schema_name = ? and table_name = ?",
        place,
    ).fetchall()
    ((rows,),) = con.execute(f"select count(*) from release.{schema}.{table}").fetchall()
    grain = _names(meta.get("grain", ()))
    if not {name for name, *_ in listed}.issuperset(grain):
        grain = ()
    return Table(
        schema=schema,
        table=table,
        rows=rows,
        description=_in_both(" ".join(comment.split())),
        grain=grain,
        warnings=tuple(Bilingual(**warning) for warning in meta.get("usage_warnings", ())),
        columns=tuple(
            Column(
                name=name,
                type=kind,
                description=_in_both(" ".join(description.split())),
                label=fields.label(name),
                unit=fields.unit(name) or UNIT_OF_SUFFIX.get(name.rpartition("_")[2]),
                code_list=fields.code_list(name, description),
                is_key=name in grain,
            )
            for name, kind, description in listed
        ),
    )


class _Fields:
    """The standard's fields by name: what all tables that hold a field of this name agree on."""

    def __init__(self, standard: Standard) -> None:
        self._codes = standard.codes
        self._fields: dict[str, list[Any]] = {}
        for table in standard.tables.values():
            for field in table.fields:
                self._fields.setdefault(field.name, []).append(field)

    def label(self, name: str) -> Bilingual | None:
        said = {(field.zh, field.en) for field in self._fields.get(name, ())}
        return Bilingual(zh=(only := said.pop())[0], en=only[1]) if len(said) == 1 else None

    def unit(self, name: str) -> str | None:
        said = {field.unit for field in self._fields.get(name, ())}
        return said.pop() if len(said) == 1 else None

    def code_list(self, name: str, description: str) -> str | None:
        """The list that the definition names, else the one that the standard asks for."""
        named = CODE_LIST.search(description)
        if named and named[1] in self._codes:
            return named[1]
        said = {field.code_list for field in self._fields.get(name, ())}
        return said.pop() if len(said) == 1 else None


def _in_both(description: str) -> Bilingual:
    """A model's description is English, then Chinese after the last stroke; one language alone stands for both."""
    parts = LANGUAGES_PART.fullmatch(description)
    return Bilingual(zh=parts[2], en=parts[1]) if parts else Bilingual(zh=description, en=description)


def _names(grain: str | Sequence[str]) -> tuple[str, ...]:
    return (grain,) if isinstance(grain, str) else tuple(grain)


def grains_of(schemas: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """The declared grain of every described table of these schemas, by `schema.table`."""
    wanted = set(schemas)
    return {
        f"{schema}.{table}": _names(model.get("config", {}).get("meta", {}).get("grain", ()))
        for (schema, table), model in sorted(_models().items())
        if schema in wanted
    }


def _models() -> dict[tuple[str, str], Mapping[str, Any]]:
    """What dbt's property files say of each mart, and disclosure control of its own tables, by schema and name."""
    return descriptions() | {
        (path.parent.name, model["name"]): model
        for path in sorted((DBT_PROJECT / "models" / "marts").rglob("*.yml"))
        for model in yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader).get("models", ())
    }
