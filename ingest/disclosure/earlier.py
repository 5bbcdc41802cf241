"""What earlier releases of this home show the public, and of which events their figures were the sums."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from expectations.compile import sql_text
from ingest.disclosure.products import Product
from ingest.disclosure.state import Box, Figure, State, cell_of, load_state
from ingest.paths import home

CONTRIBUTIONS = "market/event_contributions.parquet"
SHOWN, CARRIED = "none", "carried_forward"


@dataclass(frozen=True)
class Carried:
    """Figures of a box as an earlier release shows them, and the release whose events they are the sums of."""

    release: str
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Earlier:
    """Earlier releases: their states, which figures of each state are public, and what may be shown again."""

    states: tuple[State, ...] = ()
    published: Mapping[str, set[Figure]] | None = None
    carried: Mapping[Box, Carried] | None = None
    unmatched: int = 0
    """Public figures that are not what today's definition makes of their release's events: nothing is known of them."""


def earlier_releases(inputs: str, products: Mapping[str, Product]) -> Earlier:
    """Every release in the home that was made from other inputs than these, oldest first.

    A yanked release stays known to those who read it, so its figures count as known; but they are not shown again.
    """
    from ingest.release.folder import list_releases, yanked

    states: dict[str, State] = {}
    published: dict[str, set[Figure]] = {}
    carried: dict[Box, Carried] = {}
    unmatched = 0
    folders = [
        home().release(manifest["release"]) for manifest in list_releases() if manifest["inputs_sha256"] != inputs
    ]
    with duckdb.connect(":memory:", config={"threads": 1}) as con:
        for folder in folders:
            if not (folder / CONTRIBUTIONS).exists():
                continue
            # of a table that the release did not have yet, its contributions may lack the dimensions
            had = {name: each for name, each in products.items() if (folder / "public" / f"{name}.parquet").exists()}
            states[folder.name] = load_state(folder.name, con, _parquet(folder / CONTRIBUTIONS), had)
            published[folder.name] = set()
            for name, product in had.items():
                for box, says, origin, values in _boxes(con, folder, name, product):
                    source = folder.name if says == SHOWN else origin
                    if says not in (SHOWN, CARRIED) or source is None:
                        carried.pop(box, None)
                        continue
                    if yanked(folder.name) is None and yanked(source) is None:
                        carried[box] = Carried(source, values)
                    for column, state in ((each, states.get(source)) for each in product.groups[box.group].columns):
                        figure = Figure(box.cell, column)
                        if state is not None and _is_sum(values[column], state, figure, product):
                            published[source].add(figure)
                        else:
                            unmatched += 1
    return Earlier(tuple(states.values()), published, carried, unmatched)


def _boxes(
    con: duckdb.DuckDBPyConnection, folder: Path, name: str, product: Product
) -> list[tuple[Box, str, str | None, dict[str, Any]]]:
    """What a release shows of each group of each cell: its status, whence it was carried, its figures and ratios."""
    found = con.execute(f"from {_parquet(folder / 'public' / f'{name}.parquet')}")
    names = [column[0] for column in found.description]
    rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    return [
        (
            Box(cell_of(name, product, row), group),
            row[f"{group}_suppression"],
            row[f"{group}_from_release"],
            {column: row[column] for column in (*declared.columns, *declared.ratios)},
        )
        for row in rows
        for group, declared in product.groups.items()
        # a group that the release did not have yet, it did not show
        if {f"{group}_suppression", *declared.columns, *declared.ratios} <= row.keys()
    ]


def _is_sum(value: Any, state: State, figure: Figure, product: Product) -> bool:
    factor = 1 if product.columns()[figure.column].quantity == "count" else 100
    return value is not None and Decimal(value) * factor == state.total(figure)


def _parquet(path: Path) -> str:
    return f"read_parquet({sql_text(str(path))})"
