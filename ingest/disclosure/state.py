"""What one release (or the new warehouse) knows: for each public figure, the events that it is the sum of."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import duckdb

from ingest.disclosure.primary import Contribution
from ingest.disclosure.products import Product


class Cell(NamedTuple):
    """A row of a public table."""

    product: str
    key: tuple[str, ...]


class Box(NamedTuple):
    """A group of figures of a cell: what is shown or suppressed as one."""

    cell: Cell
    group: str


class Figure(NamedTuple):
    """One published number, or what would be one."""

    cell: Cell
    column: str


class Variable(NamedTuple):
    """What an attacker wants to know: an event's value. Unchanged from release to release it is one unknown."""

    event_id: str
    quantity: str
    value: int


@dataclass(frozen=True)
class State:
    """All figures of the public products with their contributions; a figure of nothing is not among them."""

    name: str
    figures: Mapping[Figure, tuple[Contribution, ...]] = field(repr=False)
    partitions: Mapping[Cell, int] = field(repr=False)
    """Of which of its product's partitions a cell is one."""

    def total(self, figure: Figure) -> int:
        """The figure, in hundredths; a count in units."""
        return sum(each.value for each in self.figures.get(figure, ()))


def cell_of(product_name: str, product: Product, row: Mapping[str, Any]) -> Cell:
    """The cell of a row of a table, with its key as the database casts it to text."""
    values = (row[dimension] for dimension in product.dimensions)
    return Cell(product_name, tuple(str(each).lower() if isinstance(each, bool) else str(each) for each in values))


def variables(figure_quantity: str, contributions: tuple[Contribution, ...]) -> dict[Variable, Contribution]:
    """The unknowns of a figure, each with who stands behind it."""
    return {Variable(each.event_id, figure_quantity, each.value): each for each in contributions}


def load_state(name: str, con: duckdb.DuckDBPyConnection, relation: str, products: Mapping[str, Product]) -> State:
    """Read a state from the contributions in `relation` (SQL that stands after `from`)."""
    figures: dict[Figure, list[Contribution]] = defaultdict(list)
    partitions: dict[Cell, int] = {}
    for product_name, product in products.items():
        for number, partition in enumerate(product.partitions):
            for figure, contribution in _contributions(con, relation, product_name, product, partition):
                figures[figure].append(contribution)
                partitions[figure.cell] = number
    return State(name, {figure: tuple(each) for figure, each in sorted(figures.items())}, partitions)


def _contributions(
    con: duckdb.DuckDBPyConnection, relation: str, name: str, product: Product, partition: Mapping[str, str]
) -> Iterator[tuple[Figure, Contribution]]:
    columns = product.columns()
    counted = [
        f"case when {column.where} then {'1' if column.quantity == 'count' else column.quantity} end"
        for column in columns.values()
    ]
    dimensions = [f"cast({partition[dimension]} as varchar)" for dimension in product.dimensions]
    rows = con.execute(
        f"select event_id, seller_key, buyer_key, coalesce(borrower_count, 0), is_in_notice, "
        f"{', '.join([*dimensions, *counted])} from {relation} order by event_id"
    ).fetchall()
    for event, seller, buyer, borrowers, in_notice, *rest in rows:
        cell = Cell(name, tuple(rest[: len(dimensions)]))
        for (column_name, column), value in zip(columns.items(), rest[len(dimensions) :], strict=True):
            if value is not None:
                is_count = column.quantity == "count"
                yield (
                    Figure(cell, column_name),
                    Contribution(
                        event_id=event,
                        seller=seller,
                        buyer=buyer,
                        borrowers=borrowers,
                        value=value if is_count else int(value * 100),
                        # that a deal exists is printed, and so is its claim; its price is nobody's but the parties'
                        is_known=in_notice and column.quantity in ("claim_cny", "principal_cny"),
                    ),
                )
