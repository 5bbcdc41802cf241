"""What must not be found out, from whatever is or was published: sets of events that break the primary rules."""

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from ingest.disclosure.primary import Contribution, failures
from ingest.disclosure.products import Product, Thresholds
from ingest.disclosure.remainders import remainders
from ingest.disclosure.state import Box, Figure, State, Variable, variables

Cause = Literal["secondary", "difference"]
Row = frozenset[tuple[Variable, int]]
"""A linear form of the unknowns: each with its sign."""


@dataclass(frozen=True)
class Target:
    """A sum that must stay uncertain by `need` (hundredths, or units of a count), upwards and downwards."""

    row: Row
    need: int
    cause: Cause


class Rules:
    """The primary rules of the declared products."""

    def __init__(self, products: Mapping[str, Product], limits: Thresholds) -> None:
        self.products = products
        self.limits = limits
        self.columns = {name: product.columns() for name, product in products.items()}
        self._groups = {
            name: {column: product.group_of(column) for column in self.columns[name]}
            for name, product in products.items()
        }

    def quantity(self, figure: Figure) -> str:
        return self.columns[figure.cell.product][figure.column].quantity

    def box(self, figure: Figure) -> Box:
        return Box(figure.cell, self._groups[figure.cell.product][figure.column])

    def figures(self, box: Box) -> list[Figure]:
        return [Figure(box.cell, column) for column in self.products[box.cell.product].groups[box.group].columns]

    def fails(self, figure: Figure, contributions: Sequence[Contribution]) -> bool:
        """Whether the sum of these contributions, as part of this figure, must not be known."""
        sides = self.products[figure.cell.product].groups[self.box(figure).group].sides
        return bool(failures(contributions, sides, self.limits, self.quantity(figure) != "count"))

    def need(self, quantity: str, total: int) -> int:
        """How uncertain a sum has to stay: p %, and a count by one at least."""
        return max(1, math.ceil(abs(total) * self.limits.p_share))

    def primary(self, state: State) -> set[Box]:
        """The groups of cells that break a rule by themselves."""
        return {self.box(figure) for figure, each in state.figures.items() if self.fails(figure, each)}


def targets(rules: Rules, present: State, earlier: Sequence[State]) -> dict[str, list[Target]]:
    """All that must stay uncertain, by quantity: in the present, in what is published already, and between the two."""
    found: dict[str, dict[Row, Target]] = {}
    for quantity, target in _all(rules, present, earlier):
        known = found.setdefault(quantity, {})
        if target.row not in known or known[target.row].need < target.need:
            known[target.row] = replace(target, cause=known.get(target.row, target).cause)
    return {quantity: list(each.values()) for quantity, each in found.items()}


def plain_row(unknowns: Mapping[Variable, Contribution]) -> Row:
    """The sum of these unknowns."""
    return frozenset((variable, 1) for variable in unknowns)


def _all(rules: Rules, present: State, earlier: Sequence[State]) -> Iterator[tuple[str, Target]]:
    yield from _within(rules, present, "secondary")
    yield from _left_over(rules, present, "secondary")
    for state in earlier:
        yield from _between(rules, state, present)
        yield from _within(rules, state, "difference")
        yield from _left_over(rules, state, "difference")


def _within(rules: Rules, state: State, cause: Cause) -> Iterator[tuple[str, Target]]:
    """Figures that break a rule, and what is left when a figure is taken from a wider one of the same cell."""
    for figure, contributions in state.figures.items():
        quantity = rules.quantity(figure)
        unknowns = variables(quantity, contributions)
        parts = [unknowns]
        for column, other in rules.columns[figure.cell.product].items():
            if other.quantity == quantity and column != figure.column:
                taken = variables(quantity, state.figures.get(Figure(figure.cell, column), ()))
                if taken.keys() & unknowns.keys():
                    parts.append({each: unknowns[each] for each in unknowns if each not in taken})
        for part in parts:
            if part and rules.fails(figure, list(part.values())):
                yield quantity, Target(plain_row(part), rules.need(quantity, sum(each.value for each in part)), cause)


def _left_over(rules: Rules, state: State, cause: Cause) -> Iterator[tuple[str, Target]]:
    """What is left of a figure that may be shown when others that may be shown are taken away, in any tables."""
    allowed: dict[str, list[Figure]] = defaultdict(list)
    for figure, contributions in state.figures.items():
        if not rules.fails(figure, contributions):
            allowed[rules.quantity(figure)].append(figure)
    for quantity, figures in sorted(allowed.items()):
        for figure, rest in remainders(state, quantity, figures):
            if rules.fails(figure, list(rest.values())):
                total = sum(each.value for each in rest.values())
                yield quantity, Target(plain_row(rest), rules.need(quantity, total), cause)


def _between(rules: Rules, before: State, after: State) -> Iterator[tuple[str, Target]]:
    """What changed in a figure from one release to another, where those whose filings did it are too few."""
    for figure in sorted(before.figures.keys() | after.figures.keys()):
        quantity = rules.quantity(figure)
        old = variables(quantity, before.figures.get(figure, ()))
        new = variables(quantity, after.figures.get(figure, ()))
        gone = {each: old[each] for each in old if each not in new}
        come = {each: new[each] for each in new if each not in old}
        changed = _changes(gone, come)
        if changed and rules.fails(figure, changed):
            row: Row = frozenset([*((each, 1) for each in come), *((each, -1) for each in gone)])
            yield quantity, Target(row, rules.need(quantity, sum(each.value for each in changed)), "difference")


def _changes(gone: Mapping[Variable, Contribution], come: Mapping[Variable, Contribution]) -> list[Contribution]:
    """By how much each event's value changed, with the institutions that stand behind it now."""
    left = {variable.event_id: each for variable, each in gone.items()}
    found = [
        replace(each, value=abs(each.value - left.pop(variable.event_id).value)) if variable.event_id in left else each
        for variable, each in sorted(come.items())
    ]
    return found + [left[event] for event in sorted(left)]
