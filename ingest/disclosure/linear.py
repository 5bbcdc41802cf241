"""Linear algebra of an attack: how far may the unknowns move while all that is published stays as it is?

The unknowns of one quantity (all claims, say) that stand in the same sums are one atom. A movement is a vector over
atoms that leaves every unknown at zero or above. For a target the cheapest movement is looked for, at the price of the
published figures that would have to go so that it becomes possible (Kelly, Golden and Assad 1992): price nought says
that the target is safe, anything else which figures to suppress. docs/adr/0022-disclosure-control.md says what is
assumed.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ingest.disclosure.state import Variable
from ingest.disclosure.targets import Row

CAP = 1e4
"""A movement of an atom beyond this multiple of what a target needs is not looked for: less room is the safe side."""
MOVED = 1e-6
"""Below this share of what a target needs, a figure counts as not moved (the solver's accuracy is 1e-7)."""


@dataclass(frozen=True)
class Movement:
    """What moves, by atom, and how far it may be stretched before an unknown falls below nought."""

    by_atom: Mapping[int, float]
    stretch: float


class System:
    """The atoms of one quantity, and the rows over them in components that share none."""

    def __init__(self, rows: Iterable[Row]) -> None:
        holders: dict[Variable, list[tuple[int, int]]] = defaultdict(list)
        for number, row in enumerate(rows):
            for variable, sign in row:
                holders[variable].append((number, sign))
        atoms: dict[tuple[tuple[int, int], ...], int] = {}
        self._atom_of: dict[Variable, int] = {}
        sizes: list[int] = []
        for variable in sorted(holders):
            atom = atoms.setdefault(tuple(holders[variable]), len(atoms))
            if atom == len(sizes):
                sizes.append(0)
            self._atom_of[variable] = atom
            sizes[atom] += variable.value
        self.size = np.array(sizes, dtype=float)
        self._parent = list(range(len(sizes)))
        first: dict[int, int] = {}
        for signature, atom in atoms.items():
            for number, _ in signature:
                self._join(first.setdefault(number, atom), atom)

        self._members: dict[int, list[int]] = defaultdict(list)
        for atom in range(len(sizes)):
            self._members[self._root(atom)].append(atom)

    def members(self, component: int) -> list[int]:
        """The atoms of a component."""
        return self._members[component]

    def _join(self, one: int, other: int) -> None:
        a, b = self._root(one), self._root(other)
        self._parent[max(a, b)] = min(a, b)

    def _root(self, atom: int) -> int:
        while self._parent[atom] != atom:
            self._parent[atom] = self._parent[self._parent[atom]]
            atom = self._parent[atom]
        return atom

    def row(self, row: Row) -> dict[int, int]:
        """A row over atoms; every unknown of an atom stands in it with the same sign."""
        return {self._atom_of[variable]: sign for variable, sign in row}

    def component(self, row: Mapping[int, int]) -> int:
        """The component in which a row lies."""
        return self._root(min(row))

    def movement(
        self,
        target: Mapping[int, int],
        need: float,
        fixed: Sequence[Mapping[int, int]],
        priced: Sequence[tuple[Mapping[int, int], float]],
    ) -> tuple[Movement, list[int]] | None:
        """The cheapest movement by which the target changes by `need` (signed), and the priced rows that it moves.

        None when the fixed rows allow of none: then the target is known to everybody who reads them.
        """
        from scipy.optimize import linprog
        from scipy.sparse import coo_array

        atoms = sorted({atom for each in (target, *fixed, *(row for row, _ in priced)) for atom in each})
        place = {atom: column for column, atom in enumerate(atoms)}
        count, prices = len(atoms), [price for _, price in priced]
        entries = [(0, place[atom], float(sign)) for atom, sign in target.items()]
        for number, row in enumerate([*fixed, *(each for each, _ in priced)], start=1):
            entries += [(number, place[atom], float(sign)) for atom, sign in row.items()]
        for number in range(len(priced)):
            line = 1 + len(fixed) + number
            entries += [(line, count + number, -1.0), (line, count + len(priced) + number, 1.0)]
        lines, columns, values = zip(*entries, strict=True)
        height, width = 1 + len(fixed) + len(priced), count + 2 * len(priced)
        # a movement is reckoned in units of the need, so that small figures beside large ones are not lost
        room = np.minimum(self.size[atoms] / abs(need), CAP)
        solved = linprog(
            np.array([0.0] * count + prices + prices),
            A_eq=coo_array((values, (lines, columns)), shape=(height, width)).tocsr(),
            b_eq=np.array([np.sign(need)] + [0.0] * (height - 1)),
            bounds=[(-each, CAP) for each in room] + [(0.0, None)] * (2 * len(priced)),
            method="highs-ds",
        )
        if solved.status == 2:
            return None
        if solved.status != 0:
            raise ArithmeticError(f"linear programme ended with {solved.status}: {solved.message}")
        step = solved.x[:count]
        step[np.abs(step) < MOVED / 10] = 0.0
        slack = solved.x[count : count + len(priced)] + solved.x[count + len(priced) :]
        down = step < 0
        stretch = float(np.min(room[down] / -step[down])) if down.any() else CAP
        moved = Movement(
            {atom: float(each) * abs(need) for atom, each in zip(atoms, step, strict=True) if each}, max(1.0, stretch)
        )
        return moved, [number for number in range(len(priced)) if slack[number] > MOVED]
