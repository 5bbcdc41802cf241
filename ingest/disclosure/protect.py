"""Secondary suppression: which further figures must go so that nothing that is suppressed can be worked out."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ingest.disclosure.exchange import exchange
from ingest.disclosure.linear import MOVED, Movement, System
from ingest.disclosure.state import Box, Figure, State, variables
from ingest.disclosure.targets import Cause, Row, Rules, Target, plain_row, targets

BARELY = 1000
"""A figure suppressed only for another's sake has to stay uncertain by its thousandth part, and a count by one."""
UP, DOWN = 1, -1


@dataclass
class Pattern:
    """What is not shown, and why; `exposed` counts the targets that earlier releases alone give away."""

    primary: set[Box]
    withheld: dict[Box, Cause] = field(default_factory=dict)
    exposed: int = 0

    def hides(self, box: Box) -> bool:
        return box in self.primary or box in self.withheld


def protect(rules: Rules, present: State, earlier: Sequence[State], published: Mapping[str, set[Figure]]) -> Pattern:
    """The pattern of suppression for the present state.

    `published` names, for each earlier state, the figures that some release shows with the value of that state. What
    they tell cannot be taken back: it is part of what an attacker knows.
    """
    pattern = Pattern(rules.primary(present))
    attacks = {
        quantity: _Attack(rules, quantity, present, earlier, published, wanted)
        for quantity, wanted in sorted(targets(rules, present, earlier).items())
    }
    waiting = True
    while waiting:  # every round withholds something more, or is the last
        waiting = False
        for attack in attacks.values():
            for box, cause in attack.defend(pattern):
                pattern.withheld[box] = cause
                waiting = True
                for other in attacks.values():
                    other.hide(box)
    _give_back(pattern, list(attacks.values()), present, rules)
    pattern.exposed = sum(attack.exposed for attack in attacks.values())
    return pattern


def _give_back(pattern: Pattern, attacks: Sequence["_Attack"], present: State, rules: Rules) -> None:
    """Show again what turned out to be needless, the largest first."""

    def size(box: Box) -> tuple[int, Box]:
        return (-sum(present.total(figure) for figure in rules.figures(box)), box)

    for box in sorted(pattern.withheld, key=size):
        if all(attack.can_do_without(box, pattern) for attack in attacks):
            for attack in attacks:
                attack.show(box)
            del pattern.withheld[box]


class _Attack:
    """All that can be known of one quantity, and the targets in it with the movement that keeps each safe."""

    def __init__(
        self,
        rules: Rules,
        quantity: str,
        present: State,
        earlier: Sequence[State],
        published: Mapping[str, set[Figure]],
        wanted: Sequence[Target],
    ) -> None:
        self.exposed = 0
        self._quantity = quantity
        shown = _rows(rules, quantity, present, present.figures)
        fixed = {
            row for state in earlier for row in _rows(rules, quantity, state, published.get(state.name, ())).values()
        }
        self._boxes: dict[Box, list[Figure]] = defaultdict(list)
        self._box = {figure: rules.box(figure) for figure in shown}
        for figure, box in self._box.items():
            self._boxes[box].append(figure)
        in_order = sorted(fixed, key=sorted)
        self._system = System([*shown.values(), *in_order, *(target.row for target in wanted)])
        self._row = {figure: self._system.row(row) for figure, row in shown.items()}
        self._is_known = {figure for figure, row in shown.items() if row in fixed}
        # the dearest to lose is what most events stand behind: a total goes only where its parts cannot
        self._price = {figure: 1.0 + len(present.figures[figure]) for figure in shown}
        self._total = {figure: present.total(figure) for figure in shown}
        self._fixed: dict[int, list[dict[int, int]]] = defaultdict(list)
        for row in in_order:
            over_atoms = self._system.row(row)
            self._fixed[self._system.component(over_atoms)].append(over_atoms)
        self._figures: dict[int, list[Figure]] = defaultdict(list)
        for figure, over in self._row.items():
            self._figures[self._system.component(over)].append(figure)
        self._bit: dict[Figure, int] = {}
        self._held: dict[int, int] = defaultdict(int)
        self._always: dict[int, int] = defaultdict(int)
        self._number_rows()
        self._targets: list[tuple[dict[int, int], int, Cause]] = []
        self._safe_by: dict[tuple[int, int], Movement | None] = {}
        self._of_component: dict[int, list[int]] = defaultdict(list)
        for target in wanted:
            self._add(self._system.row(target.row), target.need, target.cause)
        self._wanted = len(self._targets)  # what is added later are figures suppressed for the sake of these

    def _number_rows(self) -> None:
        """Give each row a bit, so that an atom's rows and the open ones are numbers."""
        for component in sorted({*self._figures, *self._fixed}):
            bit = 1
            for figure in self._figures[component]:
                self._bit[figure] = bit
                for atom in self._row[figure]:
                    self._held[atom] |= bit
                bit <<= 1
            for row in self._fixed[component]:
                self._always[component] |= bit
                for atom in row:
                    self._held[atom] |= bit
                bit <<= 1

    def _add(self, row: dict[int, int], need: int, cause: Cause) -> None:
        self._of_component[self._system.component(row)].append(len(self._targets))
        self._targets.append((row, need, cause))

    def hide(self, box: Box) -> None:
        """A box is withheld for another's sake: nor must its own figures be worked out."""
        for figure in self._boxes.get(box, ()):
            if figure not in self._is_known and self._total[figure]:
                need = 1 if self._quantity == "count" else max(1, self._total[figure] // BARELY)
                self._add(self._row[figure], need, "secondary")

    def defend(self, pattern: Pattern) -> Iterator[tuple[Box, Cause]]:
        """See to every target that is not safe yet; yields what has to be withheld for it."""
        number = 0
        while number < len(self._targets):
            row, need, cause = self._targets[number]
            for way in (UP, DOWN):
                if (number, way) not in self._safe_by:
                    found = self._move(row, way * need, pattern)
                    if found is None:
                        self._safe_by[number, way] = None
                        self.exposed += 1
                        continue
                    movement, boxes = found
                    for box in boxes:
                        yield box, cause
                    self._safe_by[number, way] = movement
                    self._spread(movement, self._system.component(row))
            number += 1

    def _move(self, row: dict[int, int], need: int, pattern: Pattern) -> tuple[Movement, list[Box]] | None:
        component = self._system.component(row)
        published = self._always[component]
        open_figures = []
        for figure in self._figures[component]:
            if figure not in self._is_known and not pattern.hides(self._box[figure]):
                open_figures.append(figure)
                published |= self._bit[figure]
        handed_on = exchange(self._system.members(component), self._held, published, self._system.size, row, need)
        if handed_on is not None:
            return handed_on, []
        found = self._system.movement(
            row, need, self._fixed[component], [(self._row[each], self._price[each]) for each in open_figures]
        )
        if found is None:
            return None
        movement, moved = found
        return movement, sorted({self._box[open_figures[each]] for each in moved})

    def _spread(self, movement: Movement, component: int) -> None:
        """One movement often keeps many targets safe."""
        for number in self._of_component[component]:
            if (number, UP) in self._safe_by and (number, DOWN) in self._safe_by:
                continue
            row, need, _ = self._targets[number]
            reach = _change(row, movement) * movement.stretch
            way = UP if reach > 0 else DOWN
            if abs(reach) >= need and (number, way) not in self._safe_by:
                self._safe_by[number, way] = movement

    def can_do_without(self, box: Box, pattern: Pattern) -> bool:
        """Whether all targets stay safe when this box is shown; then they are safe by movements that leave it alone."""
        figures = self._boxes.get(box, ())
        shown = Pattern(pattern.primary, {each: why for each, why in pattern.withheld.items() if each != box})
        own = {id(self._row[figure]) for figure in figures}
        found: dict[tuple[int, int], Movement] = {}
        for (number, way), movement in list(self._safe_by.items()):
            row, need, _ = self._targets[number]
            if movement is None or (id(row) in own and self._is_barely(number)):
                continue
            if all(abs(_change(self._row[figure], movement)) <= MOVED * need for figure in figures):
                continue
            other = self._move(row, way * need, shown)
            if other is None or other[1]:
                return False
            found[number, way] = other[0]
        self._safe_by.update(found)
        return True

    def _is_barely(self, number: int) -> bool:
        return number >= self._wanted

    def show(self, box: Box) -> None:
        """A box is shown after all: its figures need no protection of their own."""
        own = {id(self._row[figure]) for figure in self._boxes.get(box, ())}
        for number, (row, _, _) in enumerate(self._targets):
            if number >= self._wanted and id(row) in own:
                for way in (UP, DOWN):
                    self._safe_by[number, way] = None


def _change(row: Mapping[int, int], movement: Movement) -> float:
    return sum(row.get(atom, 0) * step for atom, step in movement.by_atom.items())


def _rows(rules: Rules, quantity: str, state: State, figures: Iterable[Figure]) -> dict[Figure, Row]:
    return {
        figure: plain_row(variables(quantity, state.figures[figure]))
        for figure in sorted(figures)
        if figure in state.figures and rules.quantity(figure) == quantity
    }
