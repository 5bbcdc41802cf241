"""Plain terms for row rules: clauses of conditions and one atom, as `expectations.plain` reads them out of rules."""

import operator
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

from expectations.compile import FALSE_WORDS, TRUE_WORDS, Check

Value = str | int | float | bool | None
OPPOSITE = {"=": "<>", "<>": "=", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}
TEXT, MISSING_FLAG = "__text", "__missing"
WORDS_OF_TRUTH = dict.fromkeys(TRUE_WORDS, True) | dict.fromkeys(FALSE_WORDS, False)
PLACES = 6  # who reads amounts as floating-point numbers rounds what is reckoned from them to what was filed


class NotPlainError(Exception):
    """A rule, or a part of one, that these terms cannot say; the text is the reason."""


@dataclass(frozen=True)
class Column:
    """A column of typed values, or (`<field>__text`) of cells as filed."""

    name: str


@dataclass(frozen=True)
class Constant:
    """A number, or a day as ISO 8601 writes it."""

    value: str | int | float


@dataclass(frozen=True)
class Term:
    """Arithmetic on columns: `+`, `-`, `*`, `abs`, or `days` from the second date to the first."""

    operation: str
    arguments: tuple["Operand", ...]


Operand = Column | Constant | Term


@dataclass(frozen=True)
class OneOf:
    """What each code (or true, false, null) of a column makes of the atom: true, false, or unknown."""

    column: str
    truth: tuple[tuple[Value, bool | None], ...]

    def values(self, *wanted: bool | None) -> list[Value]:
        return [value for value, holds in self.truth if holds in wanted]


@dataclass(frozen=True)
class Compared:
    left: Operand
    operator: str
    right: Operand


@dataclass(frozen=True)
class Matches:
    """The whole text matches the pattern, or (`wanted` false) does not."""

    column: str
    pattern: str
    wanted: bool = True


@dataclass(frozen=True)
class Filled:
    """The column has a value, or (`wanted` false) has none."""

    column: str
    wanted: bool = True


@dataclass(frozen=True)
class Listed:
    """The text is one of these, whatever reason codes may stand for it."""

    column: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Unique:
    """No other row has the same values in these columns; a row without one of them is not judged."""

    columns: tuple[str, ...]


Atom = OneOf | Compared | Matches | Filled | Listed | Unique


@dataclass(frozen=True)
class Clause:
    """Where all conditions are true, the atom must not be false; without an atom it is broken there."""

    conditions: tuple[Atom, ...]
    atom: Atom | None

    def __or__(self, other: "Clause") -> "Clause":
        first, second = (other, self) if self.atom is None else (self, other)
        against = () if first.atom is None else (opposite(first.atom),)
        return Clause((*first.conditions, *second.conditions, *against), second.atom)


@dataclass(frozen=True)
class PlainCheck:
    """A check of the standard in clauses; a row breaks it that breaks any of them."""

    check: Check
    clauses: tuple[Clause, ...]


@dataclass(frozen=True)
class LeftOut:
    check: Check
    reason: str


def opposite(atom: Atom) -> Atom:
    """The atom that is true where this one is false."""
    if isinstance(atom, OneOf):
        return OneOf(atom.column, tuple((value, None if holds is None else not holds) for value, holds in atom.truth))
    if isinstance(atom, Compared):
        return Compared(atom.left, OPPOSITE[atom.operator], atom.right)
    if isinstance(atom, Matches | Filled):
        return replace(atom, wanted=not atom.wanted)
    raise NotPlainError("a condition on a whole column or a list")


def simplified(clause: Clause) -> Clause | None:
    """The same with one condition a code column and always an atom; null when its conditions are never all true.

    Raises:
        NotPlainError: no row at all would hold.
    """
    conditions: list[Atom] = []
    for condition in clause.conditions:
        place = next((place for place, each in enumerate(conditions) if _same_codes(each, condition)), None)
        if place is None:
            conditions.append(condition)
        else:
            conditions[place] = _both(conditions[place], condition)
    if any(isinstance(each, OneOf) and not each.values(True) for each in conditions):
        return None
    if clause.atom is None:
        if not conditions:
            raise NotPlainError("never holds")
        return Clause(tuple(conditions[:-1]), opposite(conditions[-1]))
    broken = [_both(each, opposite(clause.atom)) for each in conditions if _same_codes(each, clause.atom)]
    if any(isinstance(each, OneOf) and not each.values(True) for each in broken):
        return None
    return Clause(tuple(conditions), clause.atom)


def either(parts: list[list[Clause]]) -> list[Clause]:
    """Clauses of "one of these holds": every choice of one clause from each."""
    return reduce(lambda some, others: [one | other for one in some for other in others], parts)


def arithmetic(operation: str, arguments: list[Any]) -> Any:
    """A term's value from its arguments', of whatever library's columns they are."""
    if operation == "abs":
        return arguments[0].abs()
    return {"+": operator.add, "-": operator.sub, "*": operator.mul}[operation](*arguments)


def _same_codes(one: Atom, other: Atom) -> bool:
    return isinstance(one, OneOf) and isinstance(other, OneOf) and one.column == other.column


def _both(one: Atom, other: Atom) -> Atom:
    assert isinstance(one, OneOf)
    assert isinstance(other, OneOf)
    others = dict(other.truth)
    return OneOf(one.column, tuple((value, holds is True and others[value] is True) for value, holds in one.truth))
