"""Formulas that a hurried hand would write of who takes part in the pilot, each with the unit test that must see it."""

PARTS = "models/intermediate/int_participations.sql"
INSTITUTIONS = "models/marts/market/pilot_participation.sql"
TYPES = "models/marts/market/pilot_participation_by_type.sql"
DAY_TEST = "a_part_is_judged_on_its_own_day_and_province"
YEARS_TEST = "after_the_last_act_the_register_says_so_itself"
RATE_TEST = "the_rate_is_over_all_that_were_eligible_each_counted_once"

# A tempting wrong formula: file, what stands there, what a hurried hand would write, the unit test that must see it.
MUTATIONS = [
    # the year's eligibility, not the day's
    (
        PARTS,
        "eligibility.valid_from <= parts.latest_event_date",
        "extract(year from eligibility.valid_from) <= extract(year from parts.event_date) + 1",
        DAY_TEST,
    ),
    (
        PARTS,
        "coalesce(eligibility.valid_to, parts.event_date) >= parts.event_date",
        "eligibility.role is not null",
        DAY_TEST,
    ),
    (PARTS, "when parts.is_resale and corporate.business is not null then 'resale'", "", DAY_TEST),
    (INSTITUTIONS, "when grid.last_valid_to < grid.year_start then 'ended'", "", YEARS_TEST),
    (
        INSTITUTIONS,
        "eligibility.province_scope <> 'list' or institutions.province_code is not null as is_assessed",
        "true as is_assessed",
        YEARS_TEST,
    ),
    (
        TYPES,
        "ratio('participant_count', 'eligible_count')",
        "ratio('participant_count', 'participant_count + not_eligible_participant_count')",
        RATE_TEST,
    ),
    (
        TYPES,
        "max(case when is_eligible and eligible_count > 0 then 1 else 0 end) = 1 as is_participant",
        "max(case when listed_count + sold_count + bought_count > 0 then 1 else 0 end) = 1 as is_participant",
        RATE_TEST,
    ),
    (TYPES, "case when is_assessed then {{ ratio(", "case when true then {{ ratio(", RATE_TEST),
]
