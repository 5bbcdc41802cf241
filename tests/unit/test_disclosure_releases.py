"""Differencing: what one release tells beyond another is as safe as a release by itself."""

from dataclasses import replace

import pytest
from public_attacks import leaks
from public_markets import LIMITS, PRODUCTS, Attack, Deal, release
from test_disclosure_attack import ALONE, MARKET, crowd, suppressed

from ingest.disclosure import protect
from ingest.disclosure.state import Cell, Variable

ALL = Cell("by_quarter", ("2025Q4", "all", "all"))
NEW = Deal("new", "S2", "B2", 700, 70, business="corporate", province="west")


def new_deals(count: int) -> list[Deal]:
    return [replace(each, name=f"new{each.name}", claim=each.claim + 1) for each in crowd(count, 0, 1200)]


def knows(releases, deal: Deal) -> bool:
    """Whether the claim of one deal follows from these releases."""
    attack = Attack(releases, "claim_cny")
    return attack.computes(attack.row([Variable(deal.name, "claim_cny", deal.claim * 100)]))


def test_one_new_deal_is_not_told_by_the_difference_and_the_earlier_figure_stands():
    first = release("A", MARKET)
    second = release("B", [*MARKET, NEW], [first])
    row = second.rows[ALL]
    assert row["completed_suppression"] == "carried_forward"
    assert row["completed_from_release"] == "A"
    assert row["completed_claim_cny"] == first.rows[ALL]["completed_claim_cny"]
    assert not knows([first, second], NEW)
    assert leaks([first, second]) == []


def test_the_attack_finds_the_new_deal_when_releases_are_not_compared():
    first = release("A", MARKET)
    second = release("B", [*MARKET, NEW])
    assert knows([first, second], NEW)
    assert leaks([first, second])


def test_what_did_not_change_is_shown_as_before():
    first = release("A", [*MARKET, ALONE])
    second = release("B", [*MARKET, ALONE], [first])
    assert second.rows == first.rows
    assert second.known_before == 0


def test_enough_new_deals_at_once_are_shown():
    first = release("A", MARKET)
    second = release("B", [*MARKET, *new_deals(12)], [first])
    assert second.status(ALL, "completed") == "none"
    assert second.rows[ALL]["completed_count"] == first.rows[ALL]["completed_count"] + 12
    assert leaks([first, second]) == []


def test_a_chain_of_three_releases_lets_the_held_back_deals_out_together():
    late = new_deals(12)
    first = release("A", MARKET)
    second = release("B", [*MARKET, late[0]], [first])
    third = release("C", [*MARKET, *late], [first, second])
    assert second.status(ALL, "completed") == "carried_forward"
    assert third.status(ALL, "completed") == "none"
    assert leaks([first, second, third]) == []
    assert not any(knows([first, second, third], each) for each in late)


def test_the_second_step_of_a_chain_is_compared_with_the_first_too():
    """Each step adds enough by itself; what the last one takes away again must not be told by the first."""
    late = new_deals(12)
    first = release("A", MARKET)
    second = release("B", [*MARKET, *late], [first])
    third = release("C", [*MARKET, late[0]], [first, second])
    assert third.status(ALL, "completed") != "none"
    assert not knows([first, second, third], late[0])
    assert leaks([first, second, third]) == []


def test_a_carried_figure_is_carried_again_from_where_it_came():
    first = release("A", MARKET)
    second = release("B", [*MARKET, NEW], [first])
    third = release("C", [*MARKET, replace(NEW, claim=701)], [first, second])
    assert (third.status(ALL, "completed"), third.rows[ALL]["completed_from_release"]) == ("carried_forward", "A")
    assert leaks([first, second, third]) == []


def test_a_yanked_release_is_not_shown_again_but_its_readers_are_reckoned_with():
    first = release("A", MARKET)
    second = release("B", [*MARKET, NEW], [first], yanked=["A"])
    assert second.status(ALL, "completed") == "difference"
    assert second.rows[ALL]["completed_claim_cny"] is None
    assert not knows([first, second], NEW)
    assert leaks([first, second]) == []


def test_a_figure_carried_from_a_release_that_was_yanked_since_is_not_shown_again():
    first = release("A", MARKET)
    second = release("B", [*MARKET, NEW], [first])
    third = release("C", [*MARKET, NEW], [first, second], yanked=["A"])
    assert third.status(ALL, "completed") == "difference"
    assert leaks([first, second, third]) == []


def test_a_corrected_amount_of_one_institution_is_not_told_by_the_difference():
    first = release("A", MARKET)
    corrected = [replace(MARKET[0], claim=MARKET[0].claim + 500), *MARKET[1:]]
    second = release("B", corrected, [first])
    assert second.status(ALL, "completed") == "carried_forward"
    attack = Attack([first, second], "claim_cny")
    old, new = (Variable(each.name, "claim_cny", each.claim * 100) for each in (MARKET[0], corrected[0]))
    assert not attack.computes(attack.row([new], [old]))


def test_what_was_hidden_is_not_told_by_a_later_release():
    """The cell beside the hidden one grew by enough deals to be shown anew; the hidden one did not change."""
    first = release("A", [*MARKET, ALONE])
    assert suppressed(first, "primary")
    second = release("B", [*MARKET, ALONE, *new_deals(12)], [first])
    assert not knows([first, second], ALONE)
    assert leaks([first, second]) == []


def test_thresholds_that_were_raised_do_not_take_back_what_was_published():
    """Seven institutions on each side are asked for now: what is published is counted as known, not called hidden."""
    first = release("A", MARKET)
    second = release("B", MARKET, [first], limits=replace(LIMITS, institutions=7))
    assert second.status(ALL, "completed") == "primary"
    assert second.known_before > 0


@pytest.mark.parametrize("switched_off", [True, False])
def test_the_comparison_of_releases_is_what_keeps_the_new_deal_hidden(monkeypatch, switched_off):
    if switched_off:
        monkeypatch.setattr(protect, "targets", lambda rules, present, earlier: real(rules, present, ()))
    first = release("A", MARKET)
    second = release("B", [*MARKET, NEW], [first])
    assert knows([first, second], NEW) is switched_off
    assert PRODUCTS.keys() == {cell.product for cell in second.rows}


real = protect.targets


def test_the_worked_example_of_the_page_for_institutions_comes_out_as_it_says():
    """East 90, west 167, north 5, all 262 million yuan; then one new deal of 7, then three of three sellers."""

    def place(province: str, count: int, claim: int, name: str = "") -> list[Deal]:
        return [Deal(f"{province}{name}{n}", f"S{n % 5}", f"B{n % 5}", claim, province=province) for n in range(count)]

    quarter = {"by_quarter": PRODUCTS["by_quarter"]}
    base = [*place("east", 5, 18_000_000), *place("west", 10, 16_700_000)]
    base.append(Deal("north", "S9", "B1", 5_000_000, province="north"))
    late = place("west", 3, 7_000_000, "late")

    def shown(of) -> dict[str, tuple[int | None, str]]:
        return {
            cell.key[2]: (
                row["completed_claim_cny"] and int(row["completed_claim_cny"] / 10**6),
                row["completed_suppression"],
            )
            for cell, row in of.rows.items()
            if cell.key[1] in ("all", "province")
        }

    first = release("A", base, products=quarter)
    hidden = {"east": (None, "secondary"), "north": (None, "primary")}
    assert shown(first) == {"all": (262, "none"), "west": (167, "none"), **hidden}
    second = release("B", [*base, late[0]], [first], products=quarter)
    assert shown(second) == {"all": (262, "carried_forward"), "west": (167, "carried_forward"), **hidden}
    third = release("C", [*base, *late], [first, second], products=quarter)
    assert shown(third) == {"all": (283, "none"), "west": (188, "none"), **hidden}
