"""Formulas that a hurried hand would write of restructuring and defects, each with the unit test that must see it."""

RESTRUCTURING = "models/marts/market/restructuring.sql"
RESTRUCTURING_MACROS = "macros/restructuring.sql"
ONCE_TEST = "a_loan_or_thing_on_several_tapes_counts_once_in_a_quarter"
AGREEMENT_TEST = "an_agreement_counts_once_in_the_quarter_in_which_it_was_made"
VALUE_TEST = "what_restructuring_recovers_is_more_than_cash_and_a_project_delivers_its_homes_once"
SWAP_TEST = "a_deal_of_which_nobody_said_is_not_one_without_debt_to_equity"

TAPES, THINGS = "models/intermediate/int_tape_defects.sql", "models/intermediate/int_collateral_defects.sql"
FLAGS, FLAG_MACROS = "models/marts/market/defect_flags.sql", "macros/defects.sql"
LIMITATION_TEST = "a_claim_is_time_barred_by_the_signing_and_only_if_nobody_sued"
JUDGMENT_TEST = "a_judgment_is_lost_only_when_nobody_asked_for_enforcement_in_time"
UNJUDGED_TEST = "what_nobody_could_judge_is_not_free_of_defects"
THING_TEST = "a_thing_is_defective_when_others_come_first_or_its_value_is_old_at_the_signing"
CHEAP_TEST = "a_deal_is_cheap_against_the_sums_of_the_others_of_its_kind"
FLAG_TEST = "flags_that_nobody_judged_are_counted_apart_from_those_that_are_false"

# A tempting wrong formula: file, what stands there, what a hurried hand would write, the unit test that must see it.
MUTATIONS = [
    (RESTRUCTURING, "condition='rank_in_quarter = 1'", "condition='true'", ONCE_TEST),
    (RESTRUCTURING, "units='forgiven_count'", "units='loan_count'", ONCE_TEST),
    (RESTRUCTURING, "where tapes.is_last_of_all", "where true", AGREEMENT_TEST),
    (RESTRUCTURING, "        and codes.parent_code = 'agreed'\n", "", AGREEMENT_TEST),
    (RESTRUCTURING, "max(homes_delivered_count)", "sum(homes_delivered_count)", VALUE_TEST),
    (RESTRUCTURING, " + coalesce(recoveries.equity_value_cny, 0)", "", VALUE_TEST),
    (
        RESTRUCTURING,
        "{{ normalised_name('recoveries.baojiaolou_project_name') }} as project_key",
        "recoveries.baojiaolou_project_name as project_key",
        VALUE_TEST,
    ),
    (RESTRUCTURING, "+ count(distinct unit_key) as bigint", "+ count(unit_key) as bigint", VALUE_TEST),
    (RESTRUCTURING_MACROS, "when not {{ flag }} then 'no' else 'unknown' end", "else 'no' end", SWAP_TEST),
    # judged as of the tape, or as of any day after the breach
    (TAPES, "coalesce(transfers.signed_date, loans.cutoff_date) as day", "loans.cutoff_date as day", LIMITATION_TEST),
    (TAPES, "greatest(loans.last_payment_date, loans.default_date)", "loans.default_date", LIMITATION_TEST),
    (TAPES, "            when dated.suit_group <> 'not_sued' then false\n", "", LIMITATION_TEST),
    (TAPES, " or dated.enforcement_date is not null then false", " then false", JUDGMENT_TEST),
    (
        TAPES,
        "            when dated.suit_group in ('not_sued', 'in_court', 'in_arbitration') then false\n",
        "            else false\n",
        JUDGMENT_TEST,
    ),
    (
        TAPES,
        "when dated.guarantee not in ('{{ var('guarantees_by_things') | join(\"', '\") }}') then false",
        "else false",
        UNJUDGED_TEST,
    ),
    (TAPES, "on dated.package_id = things.package_id and dated.", "on dated.", UNJUDGED_TEST),
    (FLAG_MACROS, "then null\n        else false", "then false\n        else false", UNJUDGED_TEST),
    (
        THINGS,
        "'coalesce(transfers.signed_date, collateral.cutoff_date)'",
        "'collateral.cutoff_date'",
        THING_TEST,
    ),
    (
        THINGS,
        "in ('{{ var('seizure_states_of_others') | join(\"', '\") }}')",
        "<> 'NONE'",
        THING_TEST,
    ),
    (THINGS, " or coalesce(collateral.prior_claims_cny > 0, false)", "", THING_TEST),
    # compared with itself, with invented deals, with whatever else is of unknown age
    (FLAGS, "cells.price_cny - priced.price_cny", "cells.price_cny", CHEAP_TEST),
    (
        FLAGS,
        "['business', 'asset_type', 'overdue_band', 'is_demo'] -%}",
        "['business', 'asset_type', 'overdue_band'] -%}",
        CHEAP_TEST,
    ),
    (FLAGS, "        and overdue_band <> 'unknown'\n", "", CHEAP_TEST),
    (
        FLAGS,
        "case when transfers.claim_basis <> 'claim_total' then transfers.price_cny end",
        "transfers.price_cny",
        CHEAP_TEST,
    ),
    (FLAGS, "when unjudged_flag_count = 0 then false end as is_defective", "else false end as is_defective", FLAG_TEST),
    (FLAGS, "when is_break or is_resale_of_personal then true", "when is_break then true", FLAG_TEST),
    (FLAGS, "when holder_before_name is not null then false", "else false", FLAG_TEST),
    (FLAGS, "        and cast(standard_version as double) >= 2\n", "", FLAG_TEST),
    (FLAGS, "    where notice_type in ('ZR', 'RE')\n", "    where true\n", FLAG_TEST),
]
