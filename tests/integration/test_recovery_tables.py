"""Recovery curves and disposal costs of the tiny home, added up by hand. Amounts are in million yuan."""

import shutil
from decimal import Decimal

import duckdb
import pytest
from dbt_build import DBT_PROJECT, run_dbt

IDENTITIES = {"disposal_costs_add_up_to_core", "recovery_curves_add_up"}
COSTS = ("tax", "lawyer", "enforcement", "agency", "other", "unattributed")
approx = pytest.approx


def amounts(*values: float) -> tuple[Decimal, ...]:
    return tuple(Decimal(str(value)) for value in values)


def test_a_curve_is_made_of_the_deals_observed_that_long(warehouse):
    rows = warehouse.execute("""
        select months_since_signing, deal_count, filed_deal_count, at_risk_deal_count, gross_cash_cny / 1e6,
               cumulative_gross_cash_cny / 1e6, cumulative_net_cash_cny / 1e6, at_risk_price_cny / 1e6,
               cumulative_gross_price_ratio, cumulative_net_price_ratio, cumulative_gross_principal_ratio,
               cumulative_gross_claim_ratio
        from market.recovery_curves
        where population = 'without_invented' and vintage = '2023Q1' and business = 'batch_personal' and route = 'all'
          and months_since_signing in (0, 1, 2, 3, 4, 35) order by 1""").fetchall()
    # I1 (price 12, principal 80, claim 100) is worked out in month 4 and stays; I2 (2, 80, 100) ends with month 2
    assert rows == [
        (0, 2, 2, 2, 1, 1, 1, 14, approx(1 / 14), approx(1 / 14), approx(1 / 160), approx(1 / 200)),
        (1, 2, 2, 2, 5, 6, approx(4.4), 14, approx(6 / 14), approx(4.4 / 14), approx(6 / 160), approx(6 / 200)),
        (2, 2, 2, 2, 0, 6, approx(3.7), 14, approx(6 / 14), approx(3.7 / 14), approx(6 / 160), approx(6 / 200)),
        (3, 2, 2, 1, 2, 6, approx(4.4), 12, approx(6 / 12), approx(4.4 / 12), approx(6 / 80), approx(6 / 100)),
        (4, 2, 2, 1, 2, 8, approx(5.9), 12, approx(8 / 12), approx(5.9 / 12), approx(8 / 80), approx(8 / 100)),
        (35, 2, 2, 1, 0, 8, approx(5.9), 12, approx(8 / 12), approx(5.9 / 12), approx(8 / 80), approx(8 / 100)),
    ]
    last = warehouse.execute("select max(months_since_signing) from market.recovery_curves where vintage = '2023Q1'")
    assert last.fetchone() == (35,)


def test_a_month_not_filed_is_told_apart_from_a_month_of_zero(warehouse):
    rows = warehouse.execute("""
        select months_since_signing, gap_deal_count, deal_with_gap_so_far_count, zero_cash_deal_count, final_deal_count,
               filed_cumulative_gross_cash_cny / 1e6, cumulative_difference_cny / 1e6
        from market.recovery_curves
        where population = 'all' and vintage = '2023Q1' and business = 'all' and route = 'all'
          and months_since_signing in (0, 1, 2, 3, 4, 5) order by 1""").fetchall()
    # April's 3 of I1 come to light in May; after June nothing is awaited of it
    assert rows == [
        (0, 0, 0, 1, 0, 1, 0),
        (1, 0, 0, 0, 0, 6, 0),
        (2, 1, 1, 1, 0, 6, 0),
        (3, 0, 1, 0, 0, 9, 3),
        (4, 0, 1, 0, 1, 11, 3),
        (5, 0, 1, 0, 1, 11, 3),
    ]


def test_routes_are_parts_of_the_whole_curve(warehouse):
    rows = warehouse.execute("""
        select route, route_en is null, cumulative_gross_cash_cny / 1e6, cumulative_net_cash_cny / 1e6,
               cumulative_gross_price_ratio
        from market.recovery_curves
        where population = 'all' and vintage = '2023Q1' and business = 'all' and months_since_signing = 4
        order by route""").fetchall()
    assert rows == [
        ("COL", False, 7, approx(5.4), approx(7 / 12)),
        ("LIT", False, 1, approx(0.5), approx(1 / 12)),
        ("all", True, 8, approx(5.9), approx(8 / 12)),
    ]


def test_a_month_filed_in_both_forms_counts_once_and_a_silent_deal_is_not_at_risk(warehouse):
    rows = warehouse.execute("""
        select months_since_signing, deal_count, filed_deal_count, at_risk_deal_count, gross_cash_cny / 1e6,
               at_risk_price_cny / 1e6
        from market.recovery_curves
        where population = 'all' and vintage = '2023Q2' and business = 'all' and route = 'all' order by 1""").fetchall()
    # I3 was never filed; of I4's June the 10 in total came after the 3 of its loans
    assert rows == [(0, 2, 1, 1, 3, 6), (1, 2, 1, 1, 10, 6)]


def test_a_deal_known_by_year_is_in_no_curve_but_in_the_costs(warehouse):
    assert warehouse.execute("select count(*) from market.recovery_curves where vintage like '%?'").fetchone() == (0,)
    rows = warehouse.execute("""
        select gross_cash_cny / 1e6, dated_gross_cash_cny, months_to_50_percent, price_cny / 1e6
        from market.disposal_costs where population = 'all' and breakdown = 'vintage' and breakdown_value = '2025Q?'
        """).fetchall()
    assert rows == [(3, 0, None, 72)]


def test_costs_are_what_a_hand_adds_up(warehouse):
    rows = warehouse.execute(f"""
        select population, deal_count, gross_cash_cny, net_cash_cny, {", ".join(f"{cost}_cost_cny" for cost in COSTS)},
               uncosted_gross_cash_cny, left_out_gross_cash_cny, price_cny, priced_net_cash_cny
        from market.disposal_costs where breakdown = 'all' order by population""").fetchall()
    # cash: I1 8, I2 2, I4 13, I5 1, I9 5 (invented), P6 3, P1 8, P12 1; costs of P1 and P12 were not told, nor those of
    # D1 8 and D2 5, invented too and bought for 70
    gross = 8 + 2 + 13 + 1 + 5 + 3 + 8 + 1
    net = 5.9 + 0.8 + 11 - 1 + 4 + 2.5 + 8 + 1
    price = 12 + 2 + 6 + 4.4 + 30 + 72 + 105 + 30
    million = Decimal(1_000_000)
    assert [(population, deals, *(amount / million for amount in row)) for population, deals, *row in rows] == [
        (
            "all",
            10,
            *amounts(gross + 13, round(net + 13, 2), 4.7, 0.5, 0.7, 2.5, 0, 0.4, 2 + 8 + 1 + 13, 3),
            *amounts(round(price + 70, 2), round(net + 13, 2)),
        ),
        (
            "without_invented",
            7,
            *amounts(gross - 5, round(net - 4, 2), 4.7, 0.5, 0.7, 1.5, 0, 0.4, 2 + 8 + 1, 3),
            *amounts(round(price - 30, 2), round(net - 4, 2)),
        ),
    ]


def test_costs_of_a_part_are_ratios_of_its_sums_and_a_loss_is_shown(warehouse):
    rows = warehouse.execute("""
        select breakdown_value, tax_cost_gross_ratio, cost_gross_ratio, tax_cost_price_ratio, net_price_multiple,
               months_to_first_cash, months_to_25_percent, months_to_50_percent, months_to_75_percent
        from market.disposal_costs where population = 'all' and breakdown = 'vintage'
          and breakdown_value >= '2023' and breakdown_value < '2024'
        order by 1""").fetchall()
    assert rows == [
        ("2023Q1", approx(0.2 / 10), approx(3.3 / 10), approx(0.2 / 14), approx(6.7 / 14), 0, 1, 1, 3),
        ("2023Q2", approx(2 / 13), approx(2 / 13), approx(2 / 6), approx(11 / 6), 0, 1, 1, 1),
        ("2023Q3", approx(2), approx(2), approx(2 / 4.4), approx(-1 / 4.4), 0, 0, 0, 0),
    ]


def test_what_a_route_adds_to_the_multiple_adds_up(warehouse):
    rows = dict(
        warehouse.execute("""
        select breakdown_value, net_price_multiple from market.disposal_costs
        where population = 'all' and breakdown in ('route', 'all')""").fetchall()
    )
    assert set(rows) == {"BJL", "COL", "DE", "KIND", "LIT", "SET", "all"}
    assert rows["LIT"] == approx((0.5 + 2) / 331.4)
    assert sum(value for route, value in rows.items() if route != "all") == approx(rows["all"])


def test_the_identities_see_a_lost_cent_in_any_table(built, tmp_path):
    copy = tmp_path / "npl.duckdb"
    shutil.copyfile(built / "npl.duckdb", copy)
    select = ("test", "--select", *sorted(IDENTITIES))
    assert run_dbt(DBT_PROJECT, built / "home", copy, tmp_path, *select).success
    with duckdb.connect(str(copy)) as con:
        con.execute("update market.disposal_costs set tax_cost_cny = tax_cost_cny + 0.01 where breakdown_value = 'COL'")
        con.execute("update market.recovery_curves set gross_cash_cny = gross_cash_cny + 0.01 where route = 'LIT'")
    result = run_dbt(DBT_PROJECT, built / "home", copy, tmp_path, *select)
    assert {run.node.name for run in result.result if str(run.status) == "fail"} == IDENTITIES
