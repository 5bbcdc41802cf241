"""What is left when figures that may be shown are taken from a wider one, whichever tables they stand in."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from ingest.disclosure.primary import Contribution
from ingest.disclosure.state import Figure, State, Variable, variables

Held = dict[Variable, Contribution]


def remainders(
    state: State, quantity: str, allowed: Sequence[Figure]
) -> Iterator[tuple[Figure, Mapping[Variable, Contribution]]]:
    """Each wider figure with what a reader is left with, of the figures of one quantity that break no rule themselves.

    He takes one narrower figure away (two deals without a price; what is invented, what lies outside a scope), or all
    those of a partition (the sum of what is hidden beside them). What is left need not be a cell of any table. Figures
    that break a rule are no step of such a reckoning: they are not shown, and are targets by themselves.
    """
    held: dict[Figure, Held] = {figure: variables(quantity, state.figures[figure]) for figure in allowed}
    bits = {
        variable: 1 << place for place, variable in enumerate(sorted({each for of in held.values() for each in of}))
    }
    masks = {figure: sum(bits[variable] for variable in of) for figure, of in held.items()}
    by_partition: dict[tuple[str, int, str], list[int]] = defaultdict(list)
    for figure, mask in masks.items():
        by_partition[figure.cell.product, state.partitions[figure.cell], figure.column].append(mask)
    for figure, mask in masks.items():
        left = {mask & ~other for other in masks.values() if not other & ~mask}
        for parts in by_partition.values():
            # cells of a partition share no event, so that their bits add up
            left.add(mask & ~sum(part for part in parts if not part & ~mask))
        for rest in sorted(left - {0, mask}):
            yield figure, {variable: each for variable, each in held[figure].items() if bits[variable] & rest}
