"""What restructuring does in the tiny home's market, added up by hand from `warehouse_defects.py`."""

import pytest


def _of(warehouse, quarter: str, *themes: str):
    return warehouse.execute(
        """
        select theme, breakdown_value, unit_count, total_unit_count, amount_cny / 1e6, total_amount_cny / 1e6,
               amount_ratio
        from market.restructuring where quarter = ? and theme in (select unnest(?)) order by theme, breakdown_value""",
        [quarter, list(themes)],
    ).fetchall()


def test_each_loan_of_a_quarter_stands_in_one_state_whatever_tapes_hold_it(warehouse):
    rows = _of(warehouse, "2022Q1", "loan_state", "forgiven", "agreement_state")
    # u at its later tape, where its agreement is performed: 40, and not the 41 of ten days before
    whole = 40 + 30 + 10 + 39
    assert rows == [
        ("agreement_state", "LX", 1, 1, 40, 40, 1),
        ("forgiven", "LX", 1, 1, 2, 2, 1),
        ("loan_state", "LX", 1, 4, 40, whole, pytest.approx(40 / whole)),
        ("loan_state", "NONE", 2, 4, 30 + 39, whole, pytest.approx(69 / whole)),
        ("loan_state", "WY", 1, 4, 10, whole, pytest.approx(10 / whole)),
    ]
    assert _of(warehouse, "unknown", "agreement_state") == [("agreement_state", "WY", 1, 1, 10, 10, 1)]


def test_guaranteed_home_delivery_is_counted_by_loans_things_projects_and_homes(warehouse):
    loans = _of(warehouse, "2022Q1", "baojiaolou_loans", "baojiaolou_collateral")
    # thing r secures two loans and is worth 50 once
    assert [row[:6] for row in loans] == [
        ("baojiaolou_collateral", "no", 1, 2, 20, 70),
        ("baojiaolou_collateral", "yes", 1, 2, 50, 70),
        ("baojiaolou_loans", "no", 2, 4, 69, 119),
        ("baojiaolou_loans", "unknown", 1, 4, 10, 119),
        ("baojiaolou_loans", "yes", 1, 4, 40, 119),
    ]
    later = _of(warehouse, "2022Q2", "baojiaolou_projects", "baojiaolou_homes")
    assert later == [
        ("baojiaolou_homes", "all", 10, 10, None, None, None),
        ("baojiaolou_projects", "all", 1, 1, None, None, None),
    ]


def test_value_from_restructuring_stands_beside_plain_collection(warehouse):
    rows = _of(warehouse, "2022Q2", "recovered_value", "recovered_cash", "recovered_form")
    assert [row[:6] for row in rows] == [
        ("recovered_cash", "BJL", 2, 2, 2 + 1, 13),
        ("recovered_cash", "COL", 2, 2, 5 + 4, 13),
        ("recovered_cash", "SET", 1, 2, 1, 13),
        ("recovered_form", "cash", 2, 2, 13, 24),
        ("recovered_form", "equity", 1, 2, 8, 24),
        ("recovered_form", "in_kind", 1, 2, 3, 24),
        ("recovered_value", "collection", 2, 2, 5 + 1 + 4, 24),
        ("recovered_value", "in_kind", 1, 2, 3, 24),
        ("recovered_value", "restructuring", 2, 2, 8 + 2 + 1, 24),
    ]
    assert rows[-1][-1] == pytest.approx(11 / 24)


def test_swaps_into_equity_and_tax_relief_are_shares_of_what_they_belong_to(warehouse):
    rows = _of(warehouse, "2022Q2", "debt_to_equity_deals", "tax_relief")
    assert rows == [
        ("debt_to_equity_deals", "no", 1, 3, 100, 400, 0.25),
        ("debt_to_equity_deals", "unknown", 1, 3, 200, 400, 0.5),
        ("debt_to_equity_deals", "yes", 1, 3, 100, 400, 0.25),
        ("tax_relief", "DE", 1, 2, 1, 1.5, pytest.approx(2 / 3)),
        ("tax_relief", "OTH", 1, 2, 0.5, 1.5, pytest.approx(1 / 3)),
    ]


def test_no_project_is_named(warehouse):
    names = warehouse.execute("""
        select count(*) from market.restructuring
        where concat_ws(' ', theme, breakdown_value, breakdown_value_zh, breakdown_value_en) like '%花园%'""")
    assert names.fetchone() == (0,)
    assert warehouse.execute("select count(*) from market.restructuring").fetchone()[0] > 20
