"""Whether a table is the same in two warehouses: names, types and rows; exact but for ratios."""

import math
from collections.abc import Sequence
from typing import Any

import duckdb

RELATIVE, ABSOLUTE = 1e-9, 1e-12
"""How far two engines' doubles may lie apart. Counts, money, dates and texts are equal or wrong."""


def differences(
    connection: duckdb.DuckDBPyConnection, ours: str, theirs: str, grain: Sequence[str], shown: int = 5
) -> list[str]:
    """What sets `theirs` apart from `ours`, both SQL relations; none if they are the same table."""
    columns = connection.execute(f"describe from {ours}").fetchall()
    other_columns = connection.execute(f"describe from {theirs}").fetchall()
    kinds = [(name, kind) for name, kind, *_ in columns]
    if kinds != [(name, kind) for name, kind, *_ in other_columns]:
        return [f"columns: {sorted({*kinds} ^ {(name, kind) for name, kind, *_ in other_columns})}"]
    names = [name for name, _ in kinds]
    order = ", ".join(f'"{name}" nulls last' for name in grain)
    rows, other_rows = (
        connection.execute(f"from {relation} order by {order}").fetchall() for relation in (ours, theirs)
    )
    if len(rows) != len(other_rows):
        return [f"{len(rows)} rows and {len(other_rows)}"]
    found = []
    for row, other in zip(rows, other_rows, strict=True):
        key = {name: row[names.index(name)] for name in grain}
        found += [
            f"{key} {name}: {value!r} and {other_value!r}"
            for name, value, other_value in zip(names, row, other, strict=True)
            if not _same(value, other_value)
        ]
    return found[:shown] + ([f"{len(found)} values in all"] if len(found) > shown else [])


def _same(value: Any, other: Any) -> bool:
    if isinstance(value, float) and isinstance(other, float):
        return math.isclose(value, other, rel_tol=RELATIVE, abs_tol=ABSOLUTE)
    return bool(value == other)
