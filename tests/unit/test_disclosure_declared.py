"""The tables that are really public, attacked together: what one of them hides, no other and no difference tells."""

from collections.abc import Iterable
from decimal import Decimal

import duckdb
import numpy as np
import pytest
from public_attacks import leaks
from public_markets import LIMITS, Attack, Release

from ingest.disclosure import protect, targets
from ingest.disclosure.exchange import exchange
from ingest.disclosure.products import declaration
from ingest.disclosure.state import Box, Cell, Figure, Variable, load_state
from ingest.disclosure.targets import Rules

DECLARED = declaration().products
COLUMNS = {
    "event_id": "varchar",
    "event": "varchar",
    "quarter": "varchar",
    "business": "varchar",
    "seller_type": "varchar",
    "buyer_type": "varchar",
    "asset_type": "varchar",
    "province": "varchar",
    "overdue_band": "varchar",
    "is_demo": "boolean",
    "seller_key": "varchar",
    "buyer_key": "varchar",
    "borrower_count": "bigint",
    "claim_cny": "decimal(18,2)",
    "principal_cny": "decimal(18,2)",
    "price_cny": "decimal(18,2)",
    "is_in_notice": "boolean",
}


def deal(number: int, **said) -> dict:
    """A completed and priced deal of the personal business, of one of five sellers and six buyers."""
    claim = 1000 + 7 * number
    return {
        "event_id": f"completed|{number:03}",
        "event": "completed",
        "quarter": "2025Q4",
        "business": "batch_personal",
        "seller_type": "bank",
        "buyer_type": "amc",
        "asset_type": "loan",
        "province": "east",
        "overdue_band": "over_5_years",
        "is_demo": False,
        "seller_key": f"S{number % 5}",
        "buyer_key": f"B{number % 6}",
        "borrower_count": 100,
        "claim_cny": claim,
        "principal_cny": claim - 100,
        "price_cny": 100 + 3 * number,
        "is_in_notice": False,
    } | said


CROWD = [
    *(deal(n) for n in range(10)),
    *(deal(n, overdue_band="1_to_2_years") for n in range(10, 20)),
    *(deal(n, quarter="2025Q3") for n in range(20, 30)),
]


def told(events: Iterable[dict]) -> Release:
    """What the declared products tell of these events."""
    with duckdb.connect(":memory:") as con:
        con.execute(f"create table events ({', '.join(f'{name} {kind}' for name, kind in COLUMNS.items())})")
        for event in events:
            con.execute(
                f"insert into events values ({', '.join('?' * len(COLUMNS))})", [event[each] for each in COLUMNS]
            )
        state = load_state("A", con, "events", DECLARED)
    pattern = protect.protect(Rules(DECLARED, LIMITS), state, (), {})
    rows: dict[Cell, dict] = {}
    for cell in {figure.cell for figure in state.figures}:
        rows[cell] = {}
        for group, declared in DECLARED[cell.product].groups.items():
            rows[cell][f"{group}_suppression"] = "secondary" if pattern.hides(Box(cell, group)) else "none"
            for column, of in declared.columns.items():
                rows[cell][column] = Decimal(state.total(Figure(cell, column))) / (1 if of.quantity == "count" else 100)
    return Release("A", state, rows)


def shown(of: Release, product: str) -> int:
    """How many groups of cells a product shows."""
    groups = DECLARED[product].groups
    return sum(
        row[f"{group}_suppression"] == "none"
        for cell, row in of.rows.items()
        if cell.product == product
        for group in groups
    )


def knows(of: Release, *events: dict) -> bool:
    """Whether the sum of the prices of these events follows from what is shown."""
    attack = Attack([of], "price_cny", DECLARED)
    return attack.computes(
        attack.row(Variable(each["event_id"], "price_cny", each["price_cny"] * 100) for each in events)
    )


ODD = [
    deal(90, overdue_band="unknown", seller_key="S9"),
    deal(91, is_demo=True, seller_key="demo", buyer_key="demo"),
    deal(92, quarter="2025Q2", business="single_corporate"),
]


def test_the_declared_tables_together_tell_nothing_of_few():
    of = told([*CROWD, *ODD])
    assert all(shown(of, product) for product in DECLARED)
    assert leaks([of], DECLARED) == []
    assert not any(knows(of, each) for each in ODD)


@pytest.mark.parametrize("is_seen_across", [True, False])
def test_what_one_table_tells_is_reckoned_with_in_the_other(monkeypatch, is_seen_across):
    """Each table by itself hides the invented deal; together they would tell it, as all deals less the real ones."""
    events = [*CROWD, ODD[1]]
    of = told(events)
    if not is_seen_across:
        apart = []
        for name, product in declaration().products.items():
            monkeypatch.setitem(globals(), "DECLARED", {name: product})
            apart.append(told(events))
        monkeypatch.setitem(globals(), "DECLARED", declaration().products)
        of = Release("A", of.state, {cell: row for each in apart for cell, row in each.rows.items()})
    assert knows(of, ODD[1]) is not is_seen_across


@pytest.mark.parametrize("is_asked_for", [True, False])
def test_two_hidden_cells_of_one_institution_are_not_told_by_their_sum(monkeypatch, is_asked_for):
    """Each of them may be anything while the other makes up for it; but what S9 sold in the year is their sum."""
    if not is_asked_for:
        monkeypatch.setattr(targets, "remainders", lambda *_: ())
    both = [deal(90 + n, province=province, seller_key="S9") for n, province in enumerate(["north", "south"])]
    of = told([*CROWD, *both])
    assert knows(of, *both) is not is_asked_for
    assert not any(knows(of, each) for each in both)


def test_no_public_figure_joins_years():
    """Else the programmes of all years become one, and grow with every year."""
    of = told([deal(0), deal(1, quarter="2024Q4")])
    assert len(of.state.figures) > 50
    assert {len({each.event_id for each in held}) for held in of.state.figures.values()} == {1}


def test_amounts_are_handed_on_only_between_events_of_the_same_figures():
    """Of the figures 1 and 2, atoms 0 and 1 stand in the first alone, 2 in both, 3 in none."""
    held, size = {0: 1, 1: 1, 2: 3, 3: 0}, np.array([100.0, 30.0, 50.0, 10.0])
    up, down = exchange([0, 1, 2], held, 3, size, {0: 1}, 30), exchange([0, 1, 2], held, 3, size, {0: 1}, -100)
    assert (up.by_atom, up.stretch) == ({0: 30.0, 1: -30.0}, 1.0)
    assert down.by_atom == {0: -100.0, 1: 100.0}
    assert exchange([0, 1, 2], held, 3, size, {0: 1}, 31) is None
    assert exchange([0, 1, 2], held, 3, size, {0: 1, 1: 1}, 1) is None
    assert exchange([0, 1, 2], held, 3, size, {2: 1}, -1) is None
    # once the second figure is no longer published, the third atom is like the others
    assert exchange([0, 1, 2], held, 1, size, {0: 1}, 80).by_atom == {0: 80.0, 1: -30.0, 2: -50.0}
    assert exchange([3], held, 3, size, {3: 1}, 1000).by_atom == {3: 1000.0}
    assert exchange([3], held, 3, size, {3: 1}, -11) is None


def test_a_difference_of_two_events_is_moved_by_both():
    step = exchange([0, 1], {0: 1, 1: 1}, 1, np.array([100.0, 100.0]), {0: 1, 1: -1}, 50)
    assert step.by_atom == {0: 25.0, 1: -25.0}
