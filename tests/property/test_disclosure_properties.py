"""Random small markets, with one institution alone in a cell: no attack works, on one release or on two."""

from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from public_attacks import leaks
from public_markets import PRODUCTS, Deal, release


def behind(crowd: list[Deal]) -> list[Deal]:
    """The same deals by five institutions on each side: without a crowd all figures go, and nothing can be attacked."""
    return [
        replace(each, name=f"{each.name}x{number}", seller=f"S{number}", buyer=f"B{number}")
        for number in range(5)
        for each in crowd
    ]


FEW = settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def deals(draw: st.DrawFn, most: int = 14, start: str = "d") -> list[Deal]:
    """Some deals of five sellers and five buyers, of any size, about half of them priced."""
    count = draw(st.integers(4, most))
    return [
        Deal(
            name=f"{start}{number:02}",
            seller=f"S{draw(st.integers(0, 4))}",
            buyer=f"B{draw(st.integers(0, 4))}",
            claim=draw(st.integers(1, 5000)),
            price=draw(st.none() | st.integers(1, 900)),
            business=draw(st.sampled_from(["personal", "corporate"])),
            province=draw(st.sampled_from(["east", "west"])),
            quarter=draw(st.sampled_from(["2025Q3", "2025Q4"])),
            borrowers=draw(st.integers(1, 9)),
        )
        for number in range(count)
    ]


ALONE = st.builds(
    Deal,
    name=st.just("alone"),
    seller=st.just("S9"),
    buyer=st.just("B9"),
    claim=st.integers(1, 5000),
    price=st.integers(1, 900),
    business=st.just("other"),
    province=st.just("north"),
)


@FEW
@given(deals(), ALONE)
def test_no_release_of_any_market_can_be_attacked(crowd, alone):
    market = [*crowd, *behind(crowd[:3]), alone]
    told = release("A", market)
    statuses = {row[f"{group}_suppression"] for row in told.rows.values() for group in PRODUCTS["by_year"].groups}
    assert "primary" in statuses
    assert leaks([told]) == []


@FEW
@given(deals(8), deals(6, "late"), st.integers(0, 3))
def test_no_release_can_be_attacked_by_way_of_an_earlier_one(crowd, late, corrected):
    base = behind(crowd[:4])
    first = release("A", base)
    changed = [replace(each, claim=each.claim + 10) if n < corrected else each for n, each in enumerate(base)]
    second = release("B", [*changed, *late], [first])
    assert leaks([first, second]) == []
