"""Nothing that is suppressed can be worked out: attacks by linear algebra on whatever was published."""

from public_attacks import leaks, too_close
from public_markets import PRODUCTS, Attack, Deal, Release, release

from ingest.disclosure import protect
from ingest.disclosure.state import Cell


def crowd(count: int, start: int = 0, claim: int = 1000, **said) -> list[Deal]:
    """Deals of five sellers and six buyers, of about the same size, all priced."""
    return [Deal(f"{start + n:03}", f"S{n % 5}", f"B{n % 6}", claim + 7 * n, 100 + 3 * n, **said) for n in range(count)]


def suppressed(of: Release, status: str) -> set[tuple[Cell, str]]:
    return {
        (cell, group) for cell in of.rows for group in PRODUCTS[cell.product].groups if of.status(cell, group) == status
    }


ALONE = Deal("alone", "S9", "B1", 500, 77, business="other", province="north")
MARKET = [
    *crowd(10, 0),
    *crowd(10, 100, province="west"),
    *crowd(10, 200, business="corporate", province="west"),
    *crowd(10, 300, business="corporate", quarter="2025Q3"),
]


def test_a_market_in_which_nobody_stands_out_is_shown_whole():
    told = release("A", MARKET)
    assert {told.status(cell, group) for cell in told.rows for group in ("completed", "discount")} == {"none"}
    assert leaks([told]) == []


def test_a_cell_of_one_institution_is_suppressed_and_so_are_others_beside_it():
    told = release("A", [*MARKET, ALONE])
    north = Cell("by_quarter", ("2025Q4", "province", "north"))
    assert told.status(north, "completed") == told.status(north, "discount") == "primary"
    assert told.rows[north]["completed_claim_cny"] is told.rows[north]["completed_count"] is None
    assert suppressed(told, "secondary")
    assert leaks([told]) == []


def test_the_totals_stay_where_parts_can_go_instead():
    told = release("A", [*MARKET, ALONE])
    assert told.status(Cell("by_quarter", ("2025Q4", "all", "all")), "completed") == "none"
    assert told.status(Cell("by_year", ("2025", "all", "all")), "completed") == "none"


def test_nothing_is_suppressed_beyond_what_is_needed():
    """One more cell in each partition of each table; the quarter that has no sensitive cell stays whole."""
    told = release("A", [*MARKET, ALONE])
    assert len({cell for cell, _ in suppressed(told, "secondary")}) <= 4
    third = [cell for cell in told.rows if cell.key[0] == "2025Q3"]
    assert third
    assert {told.status(cell, "completed") for cell in third} == {"none"}


def test_the_attack_finds_the_leak_when_secondary_suppression_is_switched_off(monkeypatch):
    monkeypatch.setattr(protect, "targets", lambda *_: {})
    told = release("A", [*MARKET, ALONE])
    assert not suppressed(told, "secondary")
    found = leaks([told])
    assert any(each.startswith("computed: ('2025Q4', 'province', 'north') completed_claim_cny") for each in found)


def test_what_two_tables_share_is_suppressed_in_both():
    """The deal is alone in its year as well, and the two tables hold the same sum."""
    told = release("A", [*MARKET, ALONE])
    assert told.status(Cell("by_year", ("2025", "province", "north")), "completed") == "primary"
    quarter = Cell("by_quarter", ("2025Q4", "province", "north"))
    assert told.rows[quarter]["discount_ratio"] is None


def test_a_year_less_its_quarters_tells_nothing():
    """The last quarter is one institution's; the year and the other quarter are everybody's."""
    alone = [Deal(f"q{n}", "S1", "B1", 900, 90) for n in range(3)]
    others = crowd(12, 0, quarter="2025Q3")
    told = release("A", [*alone, *others])
    assert told.status(Cell("by_quarter", ("2025Q4", "all", "all")), "completed") == "primary"
    assert leaks([told]) == []


def test_deals_without_a_price_are_no_remainder_that_gives_one_institution_away():
    """All deals less the priced ones would be the one deal that has no price."""
    told = release("A", [*crowd(12), Deal("unpriced", "S1", "B1", 4321)])
    shown = {told.status(Cell("by_quarter", ("2025Q4", "all", "all")), group) for group in ("completed", "discount")}
    assert shown != {"none"}
    attack = Attack([told], "claim_cny")
    row = attack.row(each for each in attack.order if each.event_id == "unpriced")
    assert not attack.computes(row)
    assert too_close(attack, row, 432100, "unpriced") == []


def test_a_zero_of_nobody_is_shown_as_zero():
    told = release("A", [Deal(each.name, each.seller, each.buyer, each.claim) for each in crowd(12)])
    row = told.rows[Cell("by_quarter", ("2025Q4", "all", "all"))]
    assert (row["discount_price_cny"], row["discount_suppression"]) == (0, "none")


def test_the_same_market_gives_the_same_tables():
    one, other = (release("A", deals) for deals in ([*MARKET, ALONE], [ALONE, *reversed(MARKET)]))
    assert list(one.rows.items()) == list(other.rows.items())
