"""Two releases compared: which figures changed, and which filings, rules, registers or models made them change."""

import csv
import decimal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from expectations.compile import sql_text
from ingest.config import settings
from ingest.release.descriptions import RULES
from ingest.release.folder import DATABASE, manifest_of
from ingest.tabular import plain

FIRST_SCHEMA = "market"
CHANGED = ("columns_added", "columns_removed", "rows_added", "rows_removed", "figures_changed")


def compare(before: Path, after: Path, limit: int | None = None) -> dict[str, Any]:
    """What differs from one release's folder to another's, ready for JSON; decimals are text, so that no digit is lost.

    A figure is one column of a row that both hold, told apart by the table's declared grain. `limit` bounds how many
    figures and rows a table lists; its totals are always true.
    """
    old, new = manifest_of(before), manifest_of(after)
    return {
        "before": old["release"],
        "after": new["release"],
        "filings": _filings(old, new),
        "not_filed": not_filed(new),
        "rules": _rules(before, after),
        "inputs_changed": [kind for kind, digest in new["inputs"].items() if old["inputs"].get(kind) != digest],
        "standard_versions": {"before": old["standard"]["versions"], "after": new["standard"]["versions"]},
        "code_commit": {"before": old["code_commit"], "after": new["code_commit"]},
        "tables": list(_tables(before, old, after, new, limit)),
    }


def not_filed(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    """Who owed what and had not filed it when a release was made; releases of earlier programs do not say."""
    told: list[dict[str, Any]] = manifest.get("not_filed", [])
    return told


def _filings(old: dict[str, Any], new: dict[str, Any]) -> dict[str, list[dict[str, Any]]]:
    """Filings that came between the two, and those that ceased to count."""
    known = set(old["filings_in_force"]) | {each["filing"] for each in old["filings_out_of_force"]}
    gone = {each["filing"]: each for each in new["filings_out_of_force"]}
    in_force = [{"filing": name, "state": "in_force", "by": None} for name in new["filings_in_force"]]
    came = [each for each in (*in_force, *gone.values()) if each["filing"] not in known]
    ceased = [gone[name] for name in old["filings_in_force"] if name in gone]
    return {
        "new": sorted(came, key=lambda each: each["filing"]),
        "superseded": [each for each in ceased if each["state"] == "superseded"],
        "withdrawn": [each for each in ceased if each["state"] == "withdrawn"],
    }


def _rules(before: Path, after: Path) -> dict[str, list[str]]:
    """Ids of rules that one release's standard has and the other's lacks or words differently."""
    old, new = _rule_rows(before), _rule_rows(after)
    return {
        "added": [rule for rule in new if rule not in old],
        "removed": [rule for rule in old if rule not in new],
        "changed": [rule for rule, row in new.items() if rule in old and old[rule] != row],
    }


def _rule_rows(folder: Path) -> dict[str, dict[str, str]]:
    with (folder / RULES).open(encoding="utf-8", newline="") as lines:
        return {row["rule_id"]: row for row in csv.DictReader(lines)}


def _tables(
    before: Path, old: dict[str, Any], after: Path, new: dict[str, Any], limit: int | None
) -> Iterator[dict[str, Any]]:
    """One entry for every table whose rows or columns differ; market tables first."""
    was = {table["table"]: table for table in old["tables"]}
    now = {table["table"]: table for table in new["tables"]}
    with _both(before / DATABASE, after / DATABASE) as con:
        for name in sorted(was.keys() | now.keys(), key=lambda name: (not name.startswith(FIRST_SCHEMA), name)):
            if name not in now or name not in was:
                yield {"table": name, "change": "added" if name in now else "removed"}
            elif was[name]["content_sha256"] != now[name]["content_sha256"]:
                yield _Comparison(con, name, now[name]["grain"], limit).result()


def compare_databases(
    before: Path, after: Path, grains: Mapping[str, Sequence[str]], limit: int | None = None
) -> list[dict[str, Any]]:
    """What differs between two warehouses in these tables (schema.table -> grain), as `compare` tells its `tables`."""
    with _both(before, after) as con:
        told = [_Comparison(con, name, list(grain), limit).result() for name, grain in grains.items()]
    return [table for table in told if any(table.get(key) for key in CHANGED)]


@contextmanager
def _both(before: Path, after: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    config: dict[str, Any] = {"memory_limit": settings().memory_limit, "threads": settings().threads}
    with duckdb.connect(":memory:", config=config) as con:
        con.execute(f"attach {sql_text(str(before))} as old (read_only)")
        con.execute(f"attach {sql_text(str(after))} as new (read_only)")
        yield con


@dataclass
class _Comparison:
    """One table of the databases attached as `old` and `new`."""

    con: duckdb.DuckDBPyConnection
    table: str
    grain: list[str]
    limit: int | None

    def result(self) -> dict[str, Any]:
        old, new = self._columns("old"), self._columns("new")
        common = [name for name in new if name in old]
        told: dict[str, Any] = {
            "table": self.table,
            "change": "changed",
            "columns_added": [name for name in new if name not in old],
            "columns_removed": [name for name in old if name not in new],
        }
        if not self.grain or not set(self.grain) <= set(common):
            # nothing says which row became which: whole rows come and go
            return told | {
                "grain": [],
                "rows_added": self._count(self._rows("new", common), self._rows("old", common)),
                "rows_removed": self._count(self._rows("old", common), self._rows("new", common)),
            }
        values = [name for name in common if name not in self.grain]
        self._pair(values)
        figures = [self._figures(name) for name in values]
        return told | {
            "grain": self.grain,
            "rows_added": self._one("select count(*) from paired where a is null"),
            "rows_removed": self._one("select count(*) from paired where b is null"),
            "figures_changed": sum(count for count, _ in figures),
            "added": self._keys("b", "a"),
            "removed": self._keys("a", "b"),
            "figures": [figure for _, listed in figures for figure in listed][: self.limit],
        }

    def _columns(self, database: str) -> list[str]:
        schema, _, table = self.table.partition(".")
        rows = self.con.execute(
            "select column_name from duckdb_columns() where database_name = ? and schema_name = ? and table_name = ? "
            "order by column_index",
            [database, schema, table],
        ).fetchall()
        return [name for (name,) in rows]

    def _pair(self, values: Sequence[str]) -> None:
        """`paired`: every row that is not the same in both: `a` as it was, `b` as it is; null where there is none."""
        same_key = " and ".join(f'a."{name}" is not distinct from b."{name}"' for name in self.grain)
        changed = [f'a."{name}" is distinct from b."{name}"' for name in values]
        differs = " or ".join(["a.here is null", "b.here is null", *changed])
        self.con.execute(
            f"create or replace temp table paired as "
            f"select case when a.here then a end as a, case when b.here then b end as b "
            f"from (select *, true as here from old.{self.table}) as a "
            f"full join (select *, true as here from new.{self.table}) as b on {same_key} where {differs}"
        )

    def _figures(self, column: str) -> tuple[int, list[dict[str, Any]]]:
        """How many figures of a column changed, and the first of them."""
        changed = f'from paired where a is not null and b is not null and a."{column}" is distinct from b."{column}"'
        keys = ", ".join(f'b."{name}"' for name in self.grain)
        count = self._one(f"select count(*) {changed}")
        if not count:
            return 0, []
        rows = self.con.execute(
            f'select {keys}, a."{column}", b."{column}" {changed} order by {keys} {self._bound()}'
        ).fetchall()
        return count, [
            {
                "key": dict(zip(self.grain, map(_exact, key), strict=True)),
                "column": column,
                "old": _exact(was),
                "new": _exact(now),
                "difference": _difference(was, now),
            }
            for *key, was, now in rows
        ]

    def _keys(self, here: str, missing: str) -> list[dict[str, Any]]:
        keys = ", ".join(f'{here}."{name}"' for name in self.grain)
        rows = self.con.execute(
            f"select {keys} from paired where {missing} is null order by all {self._bound()}"
        ).fetchall()
        return [dict(zip(self.grain, map(_exact, row), strict=True)) for row in rows]

    def _rows(self, database: str, columns: Sequence[str]) -> str:
        return "select " + ", ".join(f'"{name}"' for name in columns) + f" from {database}.{self.table}"

    def _count(self, rows: str, others: str) -> int:
        return self._one(f"select count(*) from (({rows}) except all ({others}))")

    def _one(self, query: str) -> int:
        ((count,),) = self.con.execute(query).fetchall()
        return int(count)

    def _bound(self) -> str:
        return "" if self.limit is None else f"limit {self.limit}"


def _exact(value: Any) -> Any:
    """A value for JSON that keeps every digit."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return str(value) if isinstance(value, decimal.Decimal) else plain(value)


def _difference(was: Any, now: Any) -> Any:
    """new - old of two numbers; null for anything else."""
    if all(isinstance(value, (int, float, decimal.Decimal)) and not isinstance(value, bool) for value in (was, now)):
        return _exact(now - was) if isinstance(now, type(was)) else float(now) - float(was)
    return None
