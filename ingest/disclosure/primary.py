"""Primary rules: may a sum be shown, by who stands behind it? Institutions are counted, never rows."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Literal

from ingest.disclosure.products import Side, Thresholds

Failure = Literal["obligors", "institutions", "dominance", "p_share"]


@dataclass(frozen=True)
class Contribution:
    """What one event adds to a sum, in hundredths (a count in units). A side that nobody names is no institution."""

    event_id: str
    seller: str | None
    buyer: str | None
    borrowers: int
    value: int
    is_known: bool = False
    """Everybody can read it in a public notice, and so take it out of a total."""


def failures(
    contributions: Collection[Contribution], sides: Iterable[Side], limits: Thresholds, is_amount: bool
) -> frozenset[Failure]:
    """The rules that the sum of these contributions breaks; none for a sum of nothing. Who adds nothing, hides nobody.

    Where a part is known to everybody, the rest must pass as well: whoever takes the known part out is left with it.
    """
    behind = [each for each in contributions if each.value]
    unknown = [each for each in behind if not each.is_known]
    found = _failures(behind, sides, limits, is_amount)
    if unknown and len(unknown) < len(behind):
        found |= _failures(unknown, sides, limits, is_amount)
    return found


def _failures(
    contributions: Collection[Contribution], sides: Iterable[Side], limits: Thresholds, is_amount: bool
) -> frozenset[Failure]:
    if not contributions:
        return frozenset()
    found: set[Failure] = set()
    if sum(each.borrowers for each in contributions) < limits.obligors:
        found.add("obligors")
    for side in sides:
        amounts: dict[str | None, int] = defaultdict(int)
        for each in contributions:
            amounts[each.seller if side == "seller" else each.buyer] += abs(each.value)
        if len(amounts.keys() - {None}) < limits.institutions:
            found.add("institutions")
        if is_amount:
            found |= _concentration(sorted(amounts.values(), reverse=True), limits)
    return frozenset(found)


def _concentration(amounts: list[int], limits: Thresholds) -> set[Failure]:
    """(n, k) dominance, and p %: the second largest must not come to know the largest too well."""
    total = sum(amounts)
    if not total:
        return set()
    found: set[Failure] = set()
    if sum(amounts[: limits.dominance_institutions]) > limits.dominance_share * total:
        found.add("dominance")
    if total - sum(amounts[:2]) < limits.p_share * amounts[0]:
        found.add("p_share")
    return found
