"""Formulas that a hurried hand would write in the price index, each with the unit test that must see it."""

INDEX, CELLS = "models/marts/market/price_index.sql", "models/marts/market/price_index_cells.sql"
CHAIN_TEST = "links_are_multiplied_and_a_gap_starts_a_new_base"
FISHER_TEST = "a_link_is_fishers_mean_of_both_weightings"
MATCH_TEST = "only_cells_of_like_claims_in_the_quarter_before_match"

# A tempting wrong formula: file, what stands there, what a hurried hand would write, the unit test that must see it.
MUTATIONS = [
    (
        INDEX,
        "        sqrt(laspeyres_link * paasche_link) as fisher_link,\n",
        "        (laspeyres_link + paasche_link) / 2 as fisher_link,\n",
        FISHER_TEST,
    ),
    (
        INDEX,
        "{{ ratio('matched_denominator_cny', 'denominator_cny') }} as matched_denominator_ratio",
        "{{ ratio('matched_cell_count', 'cell_count') }} as matched_denominator_ratio",
        FISHER_TEST,
    ),
    (
        INDEX,
        "case when is_chained then round(fisher_chain, 8) end as index_value",
        "round(naive_chain, 8) as index_value",
        "prices_that_stand_still_make_a_flat_index_whatever_the_mix",
    ),
    # a gap filled with the last value
    (
        INDEX,
        "case when is_chained then cast(segment as bigint) end as segment",
        "cast(segment as bigint) as segment",
        CHAIN_TEST,
    ),
    (
        INDEX,
        "fisher_link is null and segment > case when is_base then 1 else 0 end as is_chain_broken",
        "fisher_link is null and not is_base as is_chain_broken",
        CHAIN_TEST,
    ),
    (CELLS, " and price_cny > 0 as is_comparable", " as is_comparable", MATCH_TEST),
    (CELLS, " and overdue_band <> 'unknown'", "", MATCH_TEST),
    (CELLS, "\"claim_basis <> 'claim_total'\"", "'true'", MATCH_TEST),
    (
        CELLS,
        "on cells.quarter_number = before.quarter_number + 1",
        "on cells.quarter_number > before.quarter_number",
        MATCH_TEST,
    ),
]
