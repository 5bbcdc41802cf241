"""For tests of disclosure control: small markets, what is published of them, and an attacker who knows the structure.

The attacker sees the public tables, and knows from public notices which deals there are and in which cells they count.
What he lacks are the amounts. He reckons exactly, in fractions; nothing here uses the platform's own linear algebra.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any

import duckdb
import numpy as np
from scipy.optimize import linprog

from ingest.disclosure.earlier import Carried, Earlier
from ingest.disclosure.products import Product, Thresholds
from ingest.disclosure.publish import publish_tables
from ingest.disclosure.state import Box, Cell, Figure, State, Variable, load_state, variables

LIMITS = Thresholds(10, 3, 2, Decimal("0.85"), Decimal("0.10"))
PRODUCTS = {
    name: Product.model_validate(
        {
            "market_table": name,
            "description": {"zh": "表", "en": "table"},
            "dimensions": ["period", "breakdown", "breakdown_value"],
            "partitions": [
                {"period": period, "breakdown": f"'{breakdown}'", "breakdown_value": value}
                for breakdown, value in (("all", "'all'"), ("business", "business"), ("province", "province"))
            ],
            "groups": {
                "completed": {
                    "sides": ["seller", "buyer"],
                    "columns": {
                        "completed_count": {"quantity": "count", "where": "event = 'completed'"},
                        "completed_claim_cny": {"quantity": "claim_cny", "where": "event = 'completed'"},
                    },
                },
                "discount": {
                    "sides": ["seller", "buyer"],
                    "columns": {
                        "discount_price_cny": {"quantity": "price_cny", "where": "claim_cny is not null"},
                        "priced_claim_cny": {"quantity": "claim_cny", "where": "price_cny is not null"},
                    },
                    "ratios": ["discount_ratio"],
                },
            },
        }
    )
    for name, period in (("by_quarter", "quarter"), ("by_year", "left(quarter, 4)"))
}


@dataclass(frozen=True)
class Deal:
    """A completed deal; amounts in whole yuan."""

    name: str
    seller: str
    buyer: str
    claim: int
    price: int | None = None
    business: str = "personal"
    province: str = "east"
    quarter: str = "2025Q4"
    borrowers: int = 100
    in_notice: bool = False


@dataclass(frozen=True)
class Release:
    """What was published of a market: its state (whose amounts the attacker lacks) and the public rows."""

    name: str
    state: State
    rows: dict[Cell, dict[str, Any]] = field(repr=False)
    known_before: int = 0

    def status(self, cell: Cell, group: str) -> str:
        return str(self.rows[cell][f"{group}_suppression"])


@contextmanager
def market(deals: Iterable[Deal], products: dict[str, Product]) -> Iterator[duckdb.DuckDBPyConnection]:
    """A database attached as `npl` with the contributions and the market tables that the products are made from."""
    with duckdb.connect(":memory:", config={"threads": 1}) as con:
        con.execute("attach ':memory:' as npl")
        fill(con, deals, products)
        yield con


def fill(con: duckdb.DuckDBPyConnection, deals: Iterable[Deal], products: dict[str, Product]) -> None:
    """Write them into the database attached as `npl`."""
    con.execute("create schema npl.market")
    con.execute(
        "create table npl.market.event_contributions (event_id varchar, event varchar, quarter varchar, "
        "business varchar, province varchar, seller_key varchar, buyer_key varchar, borrower_count bigint, "
        "claim_cny decimal(18,2), price_cny decimal(18,2), is_in_notice boolean)"
    )
    for deal in deals:
        con.execute(
            "insert into npl.market.event_contributions values (?, 'completed', ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                *(deal.name, deal.quarter, deal.business, deal.province, deal.seller, deal.buyer),
                *(deal.borrowers, deal.claim, deal.price, deal.in_notice),
            ],
        )
    for product in products.values():
        sums = []
        for name, column in product.columns().items():
            is_count = column.quantity == "count"
            counted, kind = ("1", "bigint") if is_count else (column.quantity, "decimal(28,2)")
            sums.append(f"coalesce(sum({counted}) filter (where {column.where}), 0)::{kind} as {name}")
        parts = " union all ".join(
            f"select {', '.join(f'{sql} as {name}' for name, sql in partition.items())}, {', '.join(sums)} "
            f"from npl.market.event_contributions group by {', '.join(partition.values())}"
            for partition in product.partitions
        )
        con.execute(
            f"create table npl.market.{product.market_table} as "
            f"select *, discount_price_cny::double / nullif(priced_claim_cny, 0) as discount_ratio from ({parts})"
        )


def release(
    name: str,
    deals: Iterable[Deal],
    before: Sequence[Release] = (),
    yanked: Iterable[str] = (),
    products: dict[str, Product] = PRODUCTS,
    limits: Thresholds = LIMITS,
) -> Release:
    """Publish a market after these releases."""
    with market(deals, products) as con:
        pattern = publish_tables(con, products, limits, earlier(before, set(yanked), products))
        rows: dict[Cell, dict[str, Any]] = {}
        for product_name, product in products.items():
            found = con.execute(f"from npl.public.{product_name}")
            names = [column[0] for column in found.description]
            for row in found.fetchall():
                told = dict(zip(names, row, strict=True))
                rows[Cell(product_name, tuple(told[each] for each in product.dimensions))] = told
        state = load_state(name, con, "npl.market.event_contributions", products)
        return Release(name, state, rows, pattern.exposed)


def earlier(before: Sequence[Release], yanked: set[str], products: dict[str, Product]) -> Earlier:
    """What these releases show, as the platform would read it from their folders."""
    published: dict[str, set[Figure]] = {each.name: set() for each in before}
    carried: dict[Box, Carried] = {}
    for each in before:
        for cell, row in each.rows.items():
            for group, declared in products[cell.product].groups.items():
                origin = origin_of(each, cell, group)
                if origin is None:
                    carried.pop(Box(cell, group), None)
                    continue
                if each.name not in yanked and origin not in yanked:
                    columns = (*declared.columns, *declared.ratios)
                    carried[Box(cell, group)] = Carried(origin, {column: row[column] for column in columns})
                published[origin] |= {Figure(cell, column) for column in declared.columns}
    return Earlier(tuple(each.state for each in before), published, carried)


def origin_of(of: Release, cell: Cell, group: str) -> str | None:
    """The release whose events a shown group sums up; null when it is not shown."""
    status = of.status(cell, group)
    if status == "carried_forward":
        return str(of.rows[cell][f"{group}_from_release"])
    return of.name if status == "none" else None


class Attack:
    """What follows from all that these releases show of one quantity."""

    def __init__(
        self,
        releases: Sequence[Release],
        quantity: str,
        products: dict[str, Product] = PRODUCTS,
        unpublished: Sequence[Release] = (),
    ) -> None:
        self._products, self._quantity = products, quantity
        self.states = {each.name: each.state for each in (*releases, *unpublished)}
        said: dict[tuple[Variable, ...], int] = {}
        for each in releases:
            for cell in each.rows:
                for group, declared in products[cell.product].groups.items():
                    origin = origin_of(each, cell, group)
                    for column, of in declared.columns.items():
                        if origin is not None and of.quantity == quantity:
                            value = Decimal(each.rows[cell][column]) * (1 if quantity == "count" else 100)
                            said[tuple(sorted(self.unknowns(origin, Figure(cell, column))))] = int(value)
        said.pop((), None)
        unknowns = {variable for each in said for variable in each}
        for state in self.states.values():
            for figure in state.figures:
                unknowns |= self.unknowns(state.name, figure)
        self.order = {variable: place for place, variable in enumerate(sorted(unknowns))}
        self.rows = [[int(each in held) for each in self.order] for held in map(set, said)]
        self.values = list(said.values())
        self._basis = _echelon(self.rows)

    def unknowns(self, state: str, figure: Figure) -> set[Variable]:
        if self._products[figure.cell.product].columns()[figure.column].quantity != self._quantity:
            return set()
        return set(variables(self._quantity, self.states[state].figures.get(figure, ())))

    def row(self, plus: Iterable[Variable], minus: Iterable[Variable] = ()) -> list[int]:
        found = [0] * len(self.order)
        for variable in plus:
            found[self.order[variable]] += 1
        for variable in minus:
            found[self.order[variable]] -= 1
        return found

    def computes(self, row: Sequence[int]) -> bool:
        """Whether the sum follows from the published ones by adding and subtracting, exactly."""
        rest = [Fraction(each) for each in row]
        for pivot, line in self._basis:
            if rest[pivot]:
                factor = rest[pivot]
                rest = [a - factor * b for a, b in zip(rest, line, strict=True)]
        return not any(rest)

    def interval(self, row: Sequence[int]) -> tuple[float, float]:
        """Within which bounds the sum must lie, given that no amount is below zero; hundredths."""
        scale = max(self.values, default=1)
        bounds = []
        for sign in (1, -1):
            solved = linprog(
                sign * np.array(row, dtype=float),
                A_eq=np.array(self.rows) if self.rows else None,
                b_eq=np.array(self.values) / scale if self.rows else None,
                bounds=(0, None),
            )
            assert solved.status in (0, 3), solved.message
            bounds.append(float("inf") * -sign if solved.status == 3 else sign * solved.fun * scale)
        return bounds[0], bounds[1]


def _echelon(rows: Sequence[Sequence[int]]) -> list[tuple[int, list[Fraction]]]:
    basis: list[tuple[int, list[Fraction]]] = []
    for row in rows:
        rest = [Fraction(each) for each in row]
        for pivot, line in basis:
            if rest[pivot]:
                factor = rest[pivot]
                rest = [a - factor * b for a, b in zip(rest, line, strict=True)]
        pivot = next((place for place, each in enumerate(rest) if each), None)
        if pivot is not None:
            basis.append((pivot, [each / rest[pivot] for each in rest]))
    return basis
