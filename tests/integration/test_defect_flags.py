"""Cheap and defective packages of the tiny home's market, added up by hand from `warehouse_defects.py`."""

from decimal import Decimal

import pytest
import yaml
from dbt_build import DBT_PROJECT

FLAGS = [
    "has_transfer_bar",
    "is_limitation_passed",
    "is_judgment_unenforced",
    "is_securitised",
    "has_third_party_collateral",
    "has_prior_ranked_collateral",
    "has_collateral_seized_by_others",
    "has_stale_valuation",
    "has_double_sale",
    "has_broken_title",
    "is_related_party",
    "is_defect_statement_missing",
]


def _flags(warehouse, package: str) -> dict[str, bool | None]:
    row = warehouse.execute(
        f"select {', '.join(FLAGS)} from market.defect_flags where package_id = ?", [package]
    ).fetchone()
    return dict(zip(FLAGS, row, strict=True))


def test_a_deal_with_a_tape_shows_each_of_its_defects(warehouse):
    flags = _flags(warehouse, "DFB|D1")
    # nobody said of w whether it is securitised; its title is in order, and its notice speaks of defects
    assert flags.pop("is_securitised") is None
    false = {"has_double_sale", "has_broken_title", "is_defect_statement_missing"}
    assert {flag for flag, value in flags.items() if value is False} == false
    assert {flag for flag, value in flags.items() if value} == set(FLAGS) - false - {"is_securitised"}


def test_the_second_sale_of_a_loan_is_flagged_with_its_principal(warehouse):
    flags = _flags(warehouse, "DFB|D2")
    assert {flag for flag, value in flags.items() if value} == {"has_double_sale", "has_broken_title"}
    assert None not in flags.values()
    row = warehouse.execute("""
        select has_double_sale_principal_cny / 1e6, has_double_sale_principal_ratio, tape_principal_cny / 1e6
        from market.defect_flags where package_id = 'DFB|D2'""").fetchone()
    assert row == (41, pytest.approx(41 / (41 + 39)), 41 + 39)


def test_what_nobody_filed_a_tape_for_is_not_judged(warehouse):
    assert {flag for flag, value in _flags(warehouse, "DFB|D3").items() if value is not None} == {
        "is_defect_statement_missing"
    }
    rows = warehouse.execute("""
        select package_id, has_tape, flag_count, unjudged_flag_count, is_defective
        from market.defect_flags where seller_id = 'DFB' order by 1""").fetchall()
    assert rows == [
        ("DFB|D1", True, 8, 1, True),
        ("DFB|D2", True, 2, 0, True),
        ("DFB|D3", False, 1, 11, True),
        ("DFB|D4", False, 1, 11, True),
    ]


@pytest.mark.parametrize(
    ("flag", "affected", "unjudged"),
    [
        ("has_transfer_bar", 40, 0),
        ("is_limitation_passed", 40, 0),
        ("is_judgment_unenforced", 30, 0),
        ("is_securitised", 0, 10),
        # one thing secures u and v; the other, of v alone, is clean
        ("has_third_party_collateral", 40 + 30, 0),
        ("has_prior_ranked_collateral", 40 + 30, 0),
        ("has_collateral_seized_by_others", 40 + 30, 0),
        ("has_stale_valuation", 40 + 30, 0),
    ],
)
def test_the_principal_of_a_defect_counts_each_loan_once(warehouse, flag, affected, unjudged):
    row = warehouse.execute(f"""
        select {flag}_principal_cny / 1e6, {flag}_unjudged_cny / 1e6, {flag}_principal_ratio
        from market.defect_flags where package_id = 'DFB|D1'""").fetchone()
    assert row == (affected, unjudged, pytest.approx(affected / (40 + 30 + 10)))


def test_a_deal_is_cheap_against_the_other_deals_of_its_cell(warehouse):
    rows = warehouse.execute("""
        select package_id, price_ratio, cell_deal_count, cell_price_ratio, is_cheap, is_cheap_and_defective
        from market.defect_flags where seller_id = 'DFB' order by 1""").fetchall()
    assert rows == [
        ("DFB|D1", 0.1, 2, pytest.approx((60 + 80) / (100 + 200)), True, True),
        ("DFB|D2", 0.6, 2, pytest.approx((10 + 80) / (100 + 200)), False, False),
        ("DFB|D3", 0.4, 2, pytest.approx((10 + 60) / (100 + 100)), False, False),
        ("DFB|D4", None, 0, None, None, None),
    ]


def test_the_thresholds_are_parameters_of_the_standard(standard):
    parameters = standard.head.parameters
    assert Decimal(parameters["cheap_price_ratio"].value) == Decimal("0.5")
    assert {parameters[f"{name}_years"].unit for name in ("limitation_period", "enforcement_period")} == {"years"}
    assert parameters["stale_valuation_days"].unit == "days"


def test_the_flags_of_the_table_are_the_ones_that_its_counts_say(warehouse):
    path = DBT_PROJECT / "models" / "marts" / "market" / "_defect_flags__models.yml"
    (model,) = yaml.safe_load(path.read_text(encoding="utf-8"))["models"]
    columns = {column["name"] for column in model["columns"]}
    assert set(FLAGS) <= columns
    said = next(column["description"] for column in model["columns"] if column["name"] == "flag_count")
    assert f"of {len(FLAGS)} /" in said
    summed = " + ".join(f"coalesce({flag}::int, 0)" for flag in FLAGS)
    missing = " + ".join(f"({flag} is null)::int" for flag in FLAGS)
    rows = warehouse.execute(f"""
        select count(*), count(*) filter (flag_count = {summed} and unjudged_flag_count = {missing})
        from market.defect_flags""").fetchone()
    assert rows[0] == rows[1] > 10


def test_no_person_and_no_free_text_stands_in_the_table(warehouse, standard):
    columns = {row[0] for row in warehouse.execute("describe market.defect_flags").fetchall()}
    free = {"defects", "remarks", "description", "encumbrances", "defect_statement", "pledge_statement", "loan_key"}
    assert free <= {field.name for table in standard.tables.values() for field in table.fields}
    assert not columns & (free | {"borrower_key", "collateral_key", "loan_number", "seller_name", "buyer_name"})
