"""The price index of the tiny home and of docs/price-index.md: the same deals, added up by hand."""

import math
import re

import pytest
from dbt_build import DBT_PROJECT
from warehouse_index import TRANSFERS

DOCS = DBT_PROJECT.parent / "docs"
ALL_CLAIMS = "population = 'without_invented' and denominator = 'claim' and business = 'all'"


def test_the_index_holds_the_mix_that_the_mean_does_not(warehouse):
    rows = warehouse.execute(f"""
        select quarter, index_value, segment, is_base, is_chain_broken, matched_cell_count, matched_deal_count,
               deal_count, naive_ratio
        from market.price_index where {ALL_CLAIMS} and quarter < '2024Q4' order by quarter_number""").fetchall()
    second = math.sqrt((12.6 + 2) / 14 * 12.3 / (0.12 * 50 + 0.02 * 300))
    approx = pytest.approx
    assert rows == [
        ("2023Q1", 100, 1, True, False, 0, 0, 2, approx(14 / 200)),
        ("2023Q2", approx(100 * second), 1, False, False, 2, 2, 2, approx(12.3 / 350)),
        ("2023Q3", approx(100 * second * 1.1), 1, False, False, 1, 1, 2, approx(12.4 / 280)),
        ("2023Q4", None, None, False, True, 0, 0, 1, approx(3 / 60)),
        ("2024Q1", 100, 2, True, True, 0, 0, 2, approx(11 / 140)),
        ("2024Q2", approx(110), 2, False, False, 1, 2, 3, approx(22 / 240)),
        ("2024Q3", None, None, False, True, 0, 0, 0, None),
    ]


def test_the_parts_of_a_link_and_what_it_speaks_for_are_shown(warehouse):
    rows = warehouse.execute(f"""
        select quarter, laspeyres_link, paasche_link, matched_price_cny / 1e6, matched_price_before_cny / 1e6,
               matched_denominator_ratio, matched_denominator_before_ratio
        from market.price_index where {ALL_CLAIMS} and fisher_link is not null order by quarter_number""").fetchall()
    approx = pytest.approx
    assert rows == [
        ("2023Q2", approx(14.6 / 14), approx(12.3 / 12), approx(12.3), 14, 1, 1),
        ("2023Q3", approx(1.1), approx(1.1), approx(4.4), 6, approx(200 / 280), approx(300 / 350)),
        ("2024Q2", approx(1.1), approx(1.1), 22, 10, approx(200 / 240), approx(100 / 140)),
    ]


def test_the_denominator_makes_another_index(warehouse):
    rows = warehouse.execute("""
        select laspeyres_link, paasche_link from market.price_index
        where population = 'without_invented' and denominator = 'principal' and business = 'batch_personal'
          and quarter = '2023Q2'""").fetchall()
    assert rows == [(pytest.approx((0.1575 * 80 + 0.03 * 80) / 14), pytest.approx(12.3 / (0.15 * 40 + 0.025 * 200)))]


def test_an_invented_deal_moves_only_the_population_that_holds_it(warehouse):
    rows = warehouse.execute("""
        select population, index_value from market.price_index
        where denominator = 'claim' and business = 'all' and quarter = '2024Q2' order by population""").fetchall()
    # 40 / 200 in the first quarter with the invented deal, 10 / 100 without it; then 22 / 200
    assert rows == [("all", pytest.approx(55)), ("without_invented", pytest.approx(110))]


def _page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def _tables(page: str) -> list[list[list[str]]]:
    """Every table of a page: its rows without the heading, cell by cell."""
    found = [table.split("\n")[2:-1] for table in re.findall(r"((?:^\|.*\|\n)+)", page, re.MULTILINE)]
    return [[[cell.strip() for cell in row.strip("|").split("|")] for row in table] for table in found]


@pytest.mark.parametrize("name", ["price-index.md", "price-index.zh.md"])
def test_the_worked_example_of_the_page_is_what_the_table_says(warehouse, name):
    deals, index = _tables(_page(name))[:2]
    filed = {
        (row["project_code"], row["signed_date"], row["asset_type"], row["principal_interest_cny"], row["price_cny"])
        for row in TRANSFERS
        if row["filing_id"] == "X-1"
    }
    assert {
        (project, day, asset, float(claim) * 1e6, float(price) * 1e6) for project, day, asset, _, claim, price in deals
    } == {(*key, float(claim), float(price)) for *key, claim, price in filed}
    rows = warehouse.execute(f"""
        select quarter, round(laspeyres_link, 4), round(paasche_link, 4), round(fisher_link, 4), round(index_value, 2),
               round(100 * matched_denominator_ratio, 1), round(100 * naive_ratio, 2), round(naive_index_value, 2)
        from market.price_index where {ALL_CLAIMS} and quarter <= '2024Q2' order by quarter_number""").fetchall()
    assert len(rows) == 6
    assert [(row[0], *(float(cell) if cell else None for cell in row[1:])) for row in index] == rows


@pytest.mark.parametrize("name", ["price-index.md", "price-index.zh.md"])
def test_every_query_of_the_page_runs(warehouse, name):
    queries = re.findall(r"```sql\n(.*?)```", _page(name), re.DOTALL)
    assert len(queries) == 2
    assert all(warehouse.execute(query).fetchall() for query in queries)
