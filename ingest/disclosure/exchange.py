"""The commonest movement, found without a linear programme: events that the same figures hold hand on amounts.

Atoms that stand in the same published figures can hand amounts to each other, and no figure tells of it. Where that is
room enough for a target, it is safe at price nought. Where it is not, a linear programme has to say (linear.py).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping

import numpy as np
import numpy.typing as npt

from ingest.disclosure.linear import CAP, Movement


def exchange(
    atoms: Iterable[int],
    held: Mapping[int, int],
    published: int,
    size: npt.NDArray[np.float64],
    row: Mapping[int, int],
    need: int,
) -> Movement | None:
    """A movement that changes the target `row` by `need` (signed) and no published figure; None when this finds none.

    `held` names the figures that an atom stands in, as bits, and `published` those that are known. An atom that stands
    in none of these moves by itself.
    """
    way = 1 if need > 0 else -1
    alike: dict[int, list[int]] = defaultdict(list)
    for atom in atoms:
        alike[held[atom] & published].append(atom)
    # who gains, who gives (None: nobody need), by how much the target changes for each yuan, and how many there are
    pairs: list[tuple[float, int, int, int | None]] = []
    for figures, members in alike.items():
        taker = max(members, key=lambda atom: (row.get(atom, 0) * way, -atom))
        gain = row.get(taker, 0) * way
        if not figures and gain > 0:
            return Movement({taker: float(need)}, CAP)
        for giver in members:
            other = row.get(giver, 0) * way
            if not figures and other < 0:
                pairs.append((size[giver], 1, giver, None))
            elif other < gain:
                pairs.append((size[giver] * (gain - other), gain - other, giver, taker))
    if sum(room for room, *_ in pairs) < abs(need):
        return None
    left, steps, stretch = float(abs(need)), dict[int, float](), CAP
    for room, rate, giver, receiver in sorted(pairs, key=lambda each: (-each[0], each[2])):
        amount = min(left, room) / rate
        steps[giver] = steps.get(giver, 0.0) - amount
        if receiver is not None:
            steps[receiver] = steps.get(receiver, 0.0) + amount
        stretch = min(stretch, size[giver] / amount)
        left -= amount * rate
        if left <= 0:
            break
    return Movement(steps, max(1.0, stretch))
