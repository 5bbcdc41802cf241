"""The primary rules, with figures worked out by hand."""

from dataclasses import replace
from decimal import Decimal

import pytest

from expectations.spec import load_standard
from ingest.disclosure.primary import Contribution, failures
from ingest.disclosure.products import Thresholds, thresholds

LIMITS = Thresholds(
    obligors=10, institutions=3, dominance_institutions=2, dominance_share=Decimal("0.85"), p_share=Decimal("0.10")
)
BOTH = ("seller", "buyer")


def deals(
    *amounts: int, sellers: str = "ABCDEFGH", buyers: str = "STUVWXYZ", borrowers: int = 100
) -> list[Contribution]:
    """One deal of each amount, each of another seller and another buyer unless told otherwise."""
    return [
        Contribution(f"deal{number}", sellers[number], buyers[number], borrowers, amount)
        for number, amount in enumerate(amounts)
    ]


def broken(
    contributions: list[Contribution], sides=BOTH, is_amount: bool = True, limits: Thresholds = LIMITS
) -> set[str]:
    return set(failures(contributions, sides, limits, is_amount))


def test_the_standard_sets_the_thresholds():
    assert thresholds(load_standard()) == LIMITS


def test_four_equal_deals_of_four_sellers_and_four_buyers_pass():
    assert broken(deals(100, 100, 100, 100)) == set()


def test_nothing_breaks_no_rule():
    assert broken([]) == set()


@pytest.mark.parametrize(("borrowers", "expected"), [(3, set()), (2, {"obligors"})])
def test_ten_borrowers_are_enough_and_nine_are_not(borrowers, expected):
    # 4 deals: 4 x 2 = 8 borrowers are too few; 3 + 3 + 3 + 1 = 10 are enough
    contributions = deals(100, 100, 100, 100, borrowers=borrowers)
    contributions[3] = replace(contributions[3], borrowers=1 if borrowers == 3 else 3)
    assert sum(each.borrowers for each in contributions) == (10 if borrowers == 3 else 9)
    assert broken(contributions) == expected


@pytest.mark.parametrize("side", BOTH)
def test_institutions_are_counted_on_each_side_and_deals_are_not(side):
    few = {"sellers": "AABB"} if side == "seller" else {"buyers": "SSTT"}
    contributions = deals(100, 100, 100, 100, **few)
    assert "institutions" in broken(contributions)
    assert broken(contributions, sides=[each for each in BOTH if each != side]) == set()


def test_a_side_that_nobody_names_is_no_institution():
    contributions = deals(100, 100, 100)
    contributions[2] = replace(contributions[2], buyer=None)
    assert "institutions" in broken(contributions)


def test_a_deal_that_adds_nothing_hides_nobody():
    assert "institutions" in broken(deals(100, 100, 0, 0))


@pytest.mark.parametrize(("third", "expected"), [(15, set()), (14, {"dominance"})])
def test_the_two_largest_may_make_up_85_percent_and_no_more(third, expected):
    # 45 + 40 = 85 of 100 is just allowed; with 14 it is 85 of 99
    assert broken(deals(45, 40, third)) == expected


@pytest.mark.parametrize(("third", "expected"), [(6, set()), (5, {"p_share"})])
def test_the_second_largest_must_not_know_the_largest_to_10_percent(third, expected):
    # 60 + 34: who filed 34 knows the 60 but for the third's amount, which must be 6 at least
    wide = replace(LIMITS, dominance_share=Decimal(1))
    assert broken(deals(60, 34, third), limits=wide) == expected


def test_amounts_are_added_up_by_institution_before_they_are_compared():
    # six deals of 50, but A sold four of them: A and B have 250 of 300
    contributions = deals(50, 50, 50, 50, 50, 50, sellers="AAAABC")
    assert broken(contributions, limits=replace(LIMITS, dominance_share=Decimal("0.8"))) == {"dominance"}
    assert broken(contributions, sides=["buyer"], limits=replace(LIMITS, dominance_share=Decimal("0.8"))) == set()


def test_a_count_is_held_to_numbers_alone():
    assert broken(deals(900, 50, 50), is_amount=False) == set()
    assert "institutions" in broken(deals(1, 1), is_amount=False)


def test_what_a_public_notice_prints_hides_nobody():
    # four deals, three of which everybody can take out: the fourth is left alone
    contributions = [replace(each, is_known=number < 3) for number, each in enumerate(deals(100, 100, 100, 100))]
    assert "institutions" in broken(contributions)
    assert broken([replace(each, is_known=True) for each in contributions]) == set()
