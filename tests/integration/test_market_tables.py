"""Market tables over the tiny home: what a hand adds up from `warehouse_activity.py` and `warehouse_rows.py`."""

from decimal import Decimal

import pytest


def test_cells_keep_every_breakdown_of_a_quarter_apart(warehouse):
    rows = warehouse.execute("""
        select business, seller_type, buyer_type, asset_type, province, overdue_band, listed_claim_cny / 1e6,
               completed_claim_cny / 1e6, price_cny / 1e6
        from market.activity_cells where quarter = '2024Q4' order by all""").fetchall()
    assert rows == [
        ("batch_corporate", "SOB", "unknown", "DGN", "110000", "unknown", 300, 0, 0),
        ("batch_personal", "CB", "LAMC", "XK", "330000", "over_5_years", 300, 300, 6),
        ("batch_personal", "CF", "NAMC", "JY", "unknown", "unknown", 0, 100, 5),
        ("batch_personal", "SOB", "NAMC", "XF", "110000", "under_1_year", 400, 400, 40),
    ]


def test_prices_by_overdue_band_are_sums_over_sums_with_their_median_beside(warehouse):
    rows = warehouse.execute("""
        select overdue_band, package_count, seller_count, unnamed_seller_package_count, price_claim_ratio,
               price_claim_median, price_claim_median_count, principal_package_count, price_principal_ratio
        from market.price_by_overdue
        where period = '2024Q4' and price_kind = 'deal' and business = 'batch_personal' and not is_demo
        order by overdue_band""").fetchall()
    # K1 40 / 400 and 40 / 200; K2, of a bank that merged into K1's seller, 6 / 300 and 6 / 250; K4 5 / 100
    assert rows == [
        ("all", 3, 1, 1, pytest.approx(51 / 800), pytest.approx(0.05), 3, 2, pytest.approx(46 / 450)),
        ("over_5_years", 1, 1, 0, pytest.approx(0.02), pytest.approx(0.02), 1, 1, pytest.approx(6 / 250)),
        ("under_1_year", 1, 1, 0, pytest.approx(0.1), pytest.approx(0.1), 1, 1, pytest.approx(0.2)),
        ("unknown", 1, 0, 1, pytest.approx(0.05), pytest.approx(0.05), 1, 0, None),
    ]


def test_what_was_asked_at_the_start_stands_apart_from_what_was_paid(warehouse):
    rows = warehouse.execute("""
        select period, price_kind, price_claim_ratio, price_principal_ratio from market.price_by_overdue
        where period_kind = 'quarter' and business = 'batch_personal' and overdue_band = 'all' and not is_demo
          and period in ('2025Q3', '2025Q4') order by period""").fetchall()
    deals = (105 + 19 + 92 + 30) / (1050 + 380 + 230 + 150), (105 + 19 + 92 + 30) / (580 + 300 + 200 + 100)
    assert rows == [
        ("2025Q3", "start", pytest.approx(110 / 1100), pytest.approx(110 / 600)),
        ("2025Q4", "deal", pytest.approx(deals[0]), pytest.approx(deals[1])),
    ]


def test_published_points_by_overdue_age_stand_where_the_warehouse_saw_no_deal(warehouse):
    rows = warehouse.execute("""
        select prices.overdue_band, package_count, official_price_claim_ratio, official_price_principal_ratio,
               list_sort(list(official.value::double / 100))
        from market.price_by_overdue as prices
        inner join staging.official_quarterly as official
            on official.period = prices.period and official.breakdown_dim = '逾期'
            and official.breakdown_value = case prices.overdue_band
                when 'under_1_year' then '1年以下(批量个人)' when 'over_5_years' then '5年以上(批量个人)' end
        where prices.period = '2025Q1' and business = 'batch_personal'
        group by all order by prices.overdue_band""").fetchall()
    assert [row[:2] for row in rows] == [("over_5_years", 0), ("under_1_year", 0)]
    for _, _, on_claim, on_principal, seeds in rows:
        assert [each for each in (on_claim, on_principal) if each is not None] == pytest.approx(seeds)


def test_a_sale_is_timed_from_first_cutoff_to_registration(warehouse):
    rows = warehouse.execute("""
        select span, package_count, relisted_count, exact_count, missing_count, days_median, days_p25, days_max
        from market.sale_speed where cohort = 'signed' and quarter = '2024Q4' and breakdown = 'all' order by span""")
    # K1: cut off 31 January, listed 1 April, signed 30 June, settled 10 and registered 20 July. K2: listed 10 April,
    # signed 10 May. K4: neither listing nor day of signing is known.
    assert rows.fetchall() == [
        ("cutoff_to_listing", 3, 1, 1, 2, 61, 61, 61),
        ("cutoff_to_signing", 3, 1, 1, 2, 151, 151, 151),
        ("listing_to_signing", 3, 1, 2, 1, 60, 45, 90),
        ("signing_to_registration", 3, 1, 1, 2, 20, 20, 20),
        ("signing_to_settlement", 3, 1, 1, 2, 10, 10, 10),
    ]


def test_the_unsold_stay_in_the_count(warehouse):
    rows = warehouse.execute("""
        select cohort, span, package_count, exact_count, censored_count, days_max, followed_90_days_count,
               unsold_after_90_days_count, unsold_after_180_days_count, as_of_date::varchar
        from market.sale_speed
        where cohort <> 'signed' and quarter = '2024Q4' and breakdown = 'all' and span like 'listing%'
        order by cohort""").fetchall()
    # K1 was signed on the 90th day, K3 is open: 448 days from 20 October 2024 to the last decision
    assert rows == [
        ("listed", "listing_to_signing", 3, 2, 1, 90, 3, 1, 1, "2026-01-11"),
        ("open", "listing_to_as_of", 1, 1, 0, 448, 1, 1, 1, "2026-01-11"),
    ]


def test_a_date_known_by_year_gives_no_days(warehouse):
    row = warehouse.execute("""
        select package_count, exact_count, inexact_count, days_median from market.sale_speed
        where cohort = 'open' and quarter = '2025Q?' and breakdown = 'all'""").fetchall()
    assert row == [(1, 0, 1, None)]


def test_personal_loans_are_a_share_of_supply_in_both_scopes(warehouse):
    rows = warehouse.execute("""
        select scope, segment, listed_count, all_listed_count, listed_claim_cny / 1e6, all_listed_claim_cny / 1e6,
               listed_claim_share, listed_claim_share_to_target, completed_claim_share
        from market.retail_share
        where period = '2024Q4' and not is_demo and segment in ('batch_personal', 'XK', 'supermarket', 'small_share')
        order by all""").fetchall()
    # K2 was sold at a supermarket in shares, K3 offered at an exchange: K1 and K4's sale are of the official scope
    assert rows == [
        ("all", "XK", 1, 3, 300, 1000, 0.3, None, 300 / 800),
        ("all", "batch_personal", 2, 3, 700, 1000, 0.7, 0.3, 1),
        ("all", "small_share", 1, 3, 300, 1000, 0.3, None, 300 / 800),
        ("all", "supermarket", 1, 3, 300, 1000, 0.3, None, 300 / 800),
        ("official", "XK", 0, 1, 0, 400, 0, None, 0),
        ("official", "batch_personal", 1, 1, 400, 400, 1, 0.6, 1),
        ("official", "small_share", 0, 1, 0, 400, 0, None, 0),
        ("official", "supermarket", 0, 1, 0, 400, 0, None, 0),
    ]


def test_the_official_share_of_personal_loans_is_that_of_the_official_table(warehouse):
    shown = warehouse.execute("""
        select official_completed_claim_yi, official_all_completed_claim_yi, official_completed_claim_share,
               official_basis
        from market.retail_share
        where period = '2025Q1' and scope = 'official' and segment = 'batch_personal'""").fetchone()
    table = warehouse.execute("""
        select business, official_value_yi from market.official_reconciliation
        where period = '2025Q1' and measure = 'completed_claim' and is_preferred""").fetchall()
    personal, everything, share, basis = shown
    assert (personal, everything, basis) == (dict(table)["batch_personal"], dict(table)["all"], "未偿本息")
    assert share == pytest.approx(float(personal / everything))
    assert Decimal("0.5") < personal / everything < 1


def test_concentration_is_of_institutions_after_mergers_by_claim(warehouse):
    rows = warehouse.execute("""
        select side, party_type, deal_count, claim_cny / 1e6, type_share, unnamed_claim_cny / 1e6, institution_count,
               hhi, cr4_ratio
        from market.concentration
        where period = '2024Q4' and business = 'all' and not is_demo order by all""").fetchall()
    # bank G's sale is bank E's today; K4 names no seller: of 700 named, one institution sold all
    assert rows == [
        ("buyer", "LAMC", 1, 300, 300 / 800, 0, 1, 10000, 1),
        ("buyer", "NAMC", 2, 500, 500 / 800, 0, 1, 10000, 1),
        ("buyer", "all", 3, 800, 1, 0, 2, pytest.approx(10000 * (25 + 9) / 64), 1),
        ("seller", "CF", 1, 100, 100 / 800, 100, 0, None, None),
        ("seller", "SOB", 2, 700, 700 / 800, 0, 1, 10000, 1),
        ("seller", "all", 3, 800, 1, 100, 1, 10000, 1),
    ]


def test_a_deal_of_one_side_or_in_dispute_is_one_deal_of_each_side(warehouse):
    rows = warehouse.execute("""
        select side, deal_count, claim_cny / 1e6, institution_count from market.concentration
        where period = '2025Q4' and business = 'all' and party_type = 'all' and not is_demo order by side""").fetchall()
    # P1 of both sides, P2 in dispute, P5 of the buyer alone, P12 under two codes; P9 was an ABS
    claim = 1050 + 380 + 230 + 150
    assert rows == [("buyer", 4, claim, 1), ("seller", 4, claim, 2)]


@pytest.mark.parametrize("table", ["price_by_overdue", "sale_speed", "retail_share", "concentration"])
def test_invented_institutions_are_a_market_of_their_own(warehouse, table):
    # P10 and I9 are of an invented institution
    assert warehouse.execute(f"select count(*) from market.{table} where not is_demo").fetchone()[0] > 10
    assert warehouse.execute(f"select count(*) from market.{table} where is_demo").fetchone()[0] > 0
