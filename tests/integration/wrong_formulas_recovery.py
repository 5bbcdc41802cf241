"""Formulas that a hurried hand would write of recoveries and their costs, each with the unit test that must see it."""

ROWS, MONTHS, DEALS = (f"models/intermediate/int_recovery_{name}.sql" for name in ("rows", "months", "deals"))
CURVES, COSTS = (f"models/marts/market/{name}.sql" for name in ("recovery_curves", "disposal_costs"))
FORMS_TEST = "a_month_filed_in_total_and_loan_by_loan_counts_once_as_filed_last"
GROWTH_TEST = "cumulative_cash_as_filed_grows_along_its_own_loan_and_route"
LOANS_TEST = "loans_are_summed_away_and_cash_without_all_its_costs_is_told"
FINAL_TEST = "what_is_worked_out_stays_observed_and_what_is_not_only_as_long_as_it_files"
AT_RISK_TEST = "a_deal_not_observed_so_long_leaves_numerator_and_denominator"
GAP_TEST = "a_month_not_filed_is_no_zero_and_a_route_is_set_against_all_deals"
PARTS_TEST = "costs_are_parts_of_the_cash_and_only_priced_deals_of_the_price"
TIME_TEST = "months_to_a_share_of_the_cash_follow_the_cash_and_not_the_filings"

# A tempting wrong formula: file, what stands there, what a hurried hand would write, the unit test that must see it.
MUTATIONS = [
    (ROWS, "    where is_current\n        and package_id", "    where package_id", FORMS_TEST),
    # both forms of a month counted
    (
        ROWS,
        "else forms.total_known_from is null or forms.loans_known_from > forms.total_known_from",
        "else true",
        FORMS_TEST,
    ),
    (ROWS, "partition by package_id, loan_key, route, is_counted", "partition by package_id, is_counted", GROWTH_TEST),
    (ROWS, "when deals.signed_date_precision = 'year' then null\n", "when false then null\n", GROWTH_TEST),
    (
        MONTHS,
        "{{ money_sum('case when is_counted then ' ~ amount ~ '_cny end') }}",
        "{{ money_sum(amount ~ '_cny') }}",
        LOANS_TEST,
    ),
    # what is worked out leaves, as if it had not been observed on
    (DEALS, "when ended.final_month is null then", "when true then", FINAL_TEST),
    (DEALS, "deals.is_demo or coalesce(filed.demo, 0) = 1 as is_demo", "deals.is_demo", FINAL_TEST),
    (DEALS, "greatest(filed.loan_count, coalesce(deals.loan_count, 0))", "filed.loan_count", FINAL_TEST),
    # the whole vintage in every denominator: the curve sinks where young deals end
    (
        CURVES,
        "on deals.last_observed_month >= numbers.number",
        "on deals.is_filed and numbers.number <= (select max(last_observed_month) from deals)",
        AT_RISK_TEST,
    ),
    # cash of every deal, on the principal of those whose principal is known
    (
        CURVES,
        "{{ money_sum('case when gaps.' ~ base ~ '_cny is not null then gaps.cumulative_' ~ kind ~ '_cash_cny end') }}",
        "{{ money_sum('gaps.cumulative_' ~ kind ~ '_cash_cny') }}",
        AT_RISK_TEST,
    ),
    (CURVES, "gaps.has_row and gaps.gross_cash_cny = 0", "gaps.gross_cash_cny = 0", GAP_TEST),
    # nothing filed, nothing known: also after the end
    (
        CURVES,
        "coalesce(observed.final_month, observed.last_filed_month) as is_gap",
        "observed.months_since_signing as is_gap",
        GAP_TEST,
    ),
    (CURVES, "', 0)', 'whole.at_risk_' ~ base", "', 0)', 'sums.at_risk_' ~ base", GAP_TEST),
    (
        COSTS,
        "ratio('sums.gross_cash_cny - sums.net_cash_cny', 'sums.gross_cash_cny')",
        "ratio('sums.tax_cost_cny', 'sums.gross_cash_cny')",
        PARTS_TEST,
    ),
    # cash of all deals on the price of those whose price is known
    (
        COSTS,
        "ratio('sums.priced_net_cash_cny', 'prices.price_cny')",
        "ratio('sums.net_cash_cny', 'prices.price_cny')",
        PARTS_TEST,
    ),
    (COSTS, "    where is_filed\n", "", PARTS_TEST),
    (COSTS, "min(case when gross_cash_cny > 0 then months_since_signing end)", "min(months_since_signing)", TIME_TEST),
    # deals of no known month in the total, which nothing of theirs can reach
    (COSTS, "    where months_since_signing is not null\n", "", TIME_TEST),
]
