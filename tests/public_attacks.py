"""For tests of disclosure control: everything that an attacker finds out of what should be hidden."""

from collections.abc import Sequence

from public_markets import LIMITS, PRODUCTS, Attack, Release

from ingest.disclosure.primary import failures
from ingest.disclosure.state import variables

QUANTITIES = ("count", "claim_cny", "principal_cny", "price_cny")


def leaks(releases: Sequence[Release], products=PRODUCTS) -> list[str]:
    """What an attacker finds out of what should be hidden: exactly, or closer than by p %."""
    last = releases[-1]
    found = []
    for quantity in QUANTITIES:
        attack = Attack(releases, quantity, products)
        # what earlier releases gave away by themselves, before the deals of this one came, no later one can take back
        known = Attack(releases[:-1], quantity, products, unpublished=[last])
        for figure, contributions in last.state.figures.items():
            product = products[figure.cell.product]
            if product.columns()[figure.column].quantity != quantity:
                continue
            group = product.groups[product.group_of(figure.column)]
            unknowns = variables(quantity, contributions)
            name = f"{figure.cell.key} {figure.column}"
            row = attack.row(unknowns)
            # a figure that did not change since it was shown is no secret, whatever became of its group
            is_withheld = last.status(figure.cell, product.group_of(figure.column)) != "none"
            if is_withheld and attack.computes(row) and not known.computes(known.row(unknowns)):
                found.append(f"computed: {name}")
            if failures(contributions, group.sides, LIMITS, quantity != "count"):
                value = sum(each.value for each in contributions)
                near = too_close(attack, row, value, name)
                found += near if near != too_close(known, known.row(unknowns), value, name) else []
            for before in releases[:-1]:
                old = variables(quantity, before.state.figures.get(figure, ()))
                come = {each: unknowns[each] for each in unknowns if each not in old}
                gone = {each: old[each] for each in old if each not in unknowns}
                changed = [*come.values(), *gone.values()]
                if len({each.event_id for each in changed}) == len(changed) and failures(
                    changed, group.sides, LIMITS, quantity != "count"
                ):
                    change = sum(each.value for each in come.values()) - sum(each.value for each in gone.values())
                    size = sum(each.value for each in changed)
                    change_row = attack.row(come, gone)
                    if attack.computes(change_row):
                        found.append(f"difference computed: {name} since {before.name}")
                    found += too_close(attack, change_row, change, f"difference {name} since {before.name}", size)
    return found


def too_close(attack: Attack, row: list[int], value: int, name: str, size: int | None = None) -> list[str]:
    """The bounds that are nearer than p %, allowing for the solver's last digits."""
    low, high = attack.interval(row)
    room = float(LIMITS.p_share) * (abs(value) if size is None else size) * 0.999
    return [f"near: {name} {low}..{value}..{high}"] if low > value - room or high < value + room else []
