"""Formulas that a hurried hand would write in the market tables, each with the unit test that must see it."""

_UNIT_RATIO = "discount_is_a_ratio_of_sums"
_PRICES = "a_price_is_a_ratio_of_sums_and_its_median_stands_apart"
_POINTS = "an_official_point_stands_alone_and_never_beside_invented_deals"
_TIMED = "a_sale_is_timed_from_its_first_listing_between_dates_known_to_the_day"
_UNSOLD = "the_unsold_are_counted_among_those_listed_long_enough_ago"
_RETAIL = "personal_loans_are_a_share_of_everything_listed_and_known"
_CONCENTRATION = "concentration_is_of_the_claims_of_named_institutions"
_PARTY = "a_party_is_the_institution_that_stands_after_all_mergers"
_MARKET = "models/marts/market"

# File, what stands there, what a hurried hand would write, the unit test that must see it.
MUTATIONS = [
    # a mean of the ratios of cells
    (
        f"{_MARKET}/quarterly_activity.sql",
        "{{ ratio('sums.discount_price_cny', 'sums.priced_claim_cny') }} as discount_ratio",
        "sums.mean_discount as discount_ratio",
        _UNIT_RATIO,
    ),
    (
        f"{_MARKET}/quarterly_activity.sql",
        "        {% for measure in measures -%}\n        {{ added_up",
        "        avg(cast(discount_price_cny as double) / priced_claim_cny) as mean_discount,\n"
        "        {% for measure in measures -%}\n        {{ added_up",
        _UNIT_RATIO,
    ),
    (
        "macros/activity.sql",
        "'priced_claim_cny': money_sum(\"case when price_cny is not null then claim_cny end\")",
        "'priced_claim_cny': money_sum(\"claim_cny\")",
        "a_deal_without_a_price_is_no_part_of_the_denominator",
    ),
    (
        "macros/activity.sql",
        "'cast(count(distinct case when is_demo then package_id end) as bigint)'",
        'count_where("is_demo")',
        "a_cell_counts_a_package_listed_and_sold_in_it_once_among_the_invented",
    ),
    # prices: the median in place of the ratio of sums, prices without a claim, official figures beside invented deals
    (
        f"{_MARKET}/price_by_overdue.sql",
        "{{ ratio('sums.' ~ base ~ '_price_cny', 'sums.priced_' ~ base ~ '_cny') }} as price_{{ base }}_ratio",
        "sums.price_{{ base }}_median as price_{{ base }}_ratio",
        _PRICES,
    ),
    (
        f"{_MARKET}/price_by_overdue.sql",
        "{{ money_sum('case when ' ~ base ~ '_cny is not null then price_cny end') }} as {{ base }}_price_cny",
        "{{ money_sum('price_cny') }} as {{ base }}_price_cny",
        _PRICES,
    ),
    (f"{_MARKET}/price_by_overdue.sql", "    and not keys.is_demo\n", "", _POINTS),
    (
        "models/intermediate/int_package_prices.sql",
        "{{ quarter_text('start_price_date', 'start_price_date_precision') }} as quarter",
        "'2026Q1' as quarter",
        "a_deal_price_and_a_start_price_have_their_own_claim_and_quarter",
    ),
    (
        "models/intermediate/int_official_overdue_prices.sql",
        "where point_rank = 1",
        "where point_rank > 0",
        "a_published_point_by_overdue_age_is_read_from_its_label",
    ),
    # speed: the last cut-off date, coarse dates as days, the unsold dropped, those just listed counted as sold in time
    (
        "models/intermediate/int_sale_spans.sql",
        "min(cutoff_date) as cutoff_date",
        "max(cutoff_date) as cutoff_date",
        _TIMED,
    ),
    ("macros/statistics.sql", "coalesce({{ precision }}, 'day') = 'day'", "true", _TIMED),
    (
        "models/intermediate/int_sale_spans.sql",
        "when is_censored then 'censored'",
        "when false then 'censored'",
        _TIMED,
    ),
    (f"{_MARKET}/sale_speed.sql", "coalesce(days_to_present > {{ horizon }}, false)", "true", _UNSOLD),
    (
        f"{_MARKET}/sale_speed.sql",
        "and coalesce(days, days_to_present) > ' ~ horizon",
        "and days > ' ~ horizon",
        _UNSOLD,
    ),
    # the share of personal loans: the unknown left out below, teasers counted, figures of two bases divided
    (
        f"{_MARKET}/retail_share.sql",
        "        'all' as scope\n    from located",
        "        'all' as scope\n    from located where business <> 'unknown'",
        _RETAIL,
    ),
    (f"{_MARKET}/retail_share.sql", "        and personal.basis = everything.basis\n", "", _RETAIL),
    (f"{_MARKET}/retail_share.sql", "        and registry_state <> 'elsewhere'\n", "", _RETAIL),
    (
        "models/intermediate/int_package_channels.sql",
        "coalesce(is_yindeng_settled, false) or listing_channel in",
        "is_yindeng_settled is not null or listing_channel in",
        "any_sign_of_the_registry_outweighs_where_else_a_package_was_offered",
    ),
    # concentration: from counts, with the unnamed as one institution, both sides counted, listings as deals, no mergers
    (
        f"{_MARKET}/concentration.sql",
        "cast(claim_cny as double) * cast(claim_cny as double)",
        "cast(deal_count as double) * cast(deal_count as double)",
        _CONCENTRATION,
    ),
    (
        f"{_MARKET}/concentration.sql",
        "{{ money_sum('case when party_id is not null then claim_cny end') }} as named_claim_cny",
        "{{ money_sum('claim_cny') }} as named_claim_cny",
        _CONCENTRATION,
    ),
    (
        f"{_MARKET}/concentration.sql",
        "{{ ratio('sums.claim_cny', 'whole.claim_cny') }} as type_share",
        "{{ ratio('sums.named_claim_cny', 'whole.named_claim_cny') }} as type_share",
        "a_type_of_buyer_has_its_share_of_all_deals_of_its_side",
    ),
    ("models/intermediate/int_deal_parties.sql", "'{{ side }}' as side", "'seller' as side", _PARTY),
    ("models/intermediate/int_deal_parties.sql", "    where event = 'completed'\n", "", _PARTY),
    ("macros/text.sql", "{{ institutions }}.current_institution_id,", "{{ institutions }}.institution_id,", _PARTY),
]
