"""Who takes part in the tiny home's market, against its eligibility register, added up by hand."""

import datetime

import pytest


def _of(warehouse, institution: str, columns: str, business: str = "batch_personal"):
    return warehouse.execute(
        f"""
        select year_number, eligibility, participation, {columns} from market.pilot_participation
        where institution_key = ? and business = ? order by year_number""",
        [institution, business],
    ).fetchall()


def test_a_seller_is_shown_with_its_act_and_with_the_deals_before_it(warehouse):
    rows = _of(
        warehouse,
        "SLA",
        """act, certainty, eligible_from::varchar, listed_count, listed_claim_cny / 1e6,
        sold_count, sold_claim_cny / 1e6, not_eligible_parts""",
    )
    first, second = "虚构〔2021〕1号", "虚构〔2025〕2号"
    early = "listed SLA|I1; listed SLA|I2; sold SLA|I1; sold SLA|I2"
    # 2023: the act begins in April; I7 was sold and never seen listed. 2025: P1 listed; P1 and P12 sold.
    assert rows == [
        (2023, "part_of_year", "took_part", first, "P", "2023-04-01", 6, 830, 7, 890, early),
        (2024, "all_year", "took_part", first, "P", "2024-01-01", 5, 380, 5, 380, None),
        (2025, "all_year", "took_part", first, "P", "2025-01-01", 1, 1050, 2, 1200, None),
        (2026, "all_year", "absent", second, "P", "2026-01-01", 0, 0, 0, 0, None),
    ]


def test_a_buyer_whose_act_has_ended_is_told_by_the_register(warehouse):
    rows = _of(warehouse, "BYD", "bought_count, bought_claim_cny / 1e6, act_valid_to")
    end = datetime.date(2025, 12, 31)
    assert rows == [
        (2021, "all_year", "absent", 0, 0, end),
        (2022, "all_year", "absent", 0, 0, end),
        (2023, "all_year", "took_part", 7, 890, end),
        (2024, "all_year", "took_part", 7, 480 + 300, end),
        (2025, "all_year", "took_part", 5, 1050 + 150 + 380 + 230 + 240, end),
        (2026, "ended", "not_expected", 0, 0, end),
    ]


def test_who_took_part_without_being_eligible_is_shown_with_the_deals(warehouse):
    rows = warehouse.execute("""
        select institution_key, year_number, eligibility, not_eligible_count, not_eligible_parts
        from market.pilot_participation
        where not_eligible_count > 0 and institution_key not in ('SLA', 'DFB', 'DFZ')
          and not_eligible_parts not like '%|K%'
        order by institution_key, year_number""").fetchall()
    # B's province is not listed until the second act; the invented auto lender stands in no act; the last is unknown
    parts = "listed SLB|P2; listed SLB|P5; listed SLB|P8; sold SLB|P2; sold SLB|P5; sold SLB|P6"
    assert rows == [
        ("SLB", 2025, "not_yet", 6, parts),
        ("SLC", 2024, "never", 2, "listed SLC|I9; sold SLC|I9"),
        ("SLC", 2025, "never", 1, "listed SLC|P10"),
        ("某银行(未具名)", 2025, "not_in_register", 1, "listed 某银行(未具名)|P4"),
    ]


def test_an_institution_that_was_merged_is_not_absent_afterwards(warehouse):
    rows = _of(warehouse, "OLD", "eligible_to::varchar")
    assert rows[1] == (2022, "all_year", "absent", "2022-12-31")
    assert rows[2] == (2023, "ended", "not_expected", None)


def test_the_rate_of_a_type_is_over_the_eligible_and_only_where_anything_is_known(warehouse):
    rows = warehouse.execute("""
        select role, institution_type, year_number, is_assessed, eligible_count, participant_count, participation_ratio,
               not_eligible_participant_count
        from market.pilot_participation_by_type
        where business = 'pilot' and (institution_type, year_number) in
            (('CF', 2024), ('CF', 2026), ('LAMC', 2025), ('LAMC', 2021), ('CB', 2025)) order by 2, 3""").fetchall()
    assert rows == [
        ("seller", "CB", 2025, True, 0, 0, None, 1),
        ("seller", "CF", 2024, True, 1, 1, 1.0, 0),
        ("seller", "CF", 2026, False, 1, 0, None, 0),
        ("buyer", "LAMC", 2021, False, 1, 0, None, 0),
        ("buyer", "LAMC", 2025, True, 1, 1, 1.0, 0),
    ]


@pytest.mark.parametrize("part", ["listed", "sold", "bought"])
def test_types_add_up_to_institutions_and_to_the_market(warehouse, part):
    event = "listed" if part == "listed" else "completed"
    institutions, types, market = (
        warehouse.execute(f"select sum({name}_count), sum({name}_claim_cny) from {source}").fetchone()
        for name, source in (
            (part, "market.pilot_participation"),
            (part, "market.pilot_participation_by_type where business <> 'pilot'"),
            (event, "market.quarterly_activity where breakdown = 'all'"),
        )
    )
    assert institutions[0] > 0
    assert institutions == types == market
