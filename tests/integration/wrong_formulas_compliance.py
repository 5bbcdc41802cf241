"""Formulas that a hurried hand would write in the compliance tables, each with the unit test that must see it."""

COMPLIANCE = "models/marts/compliance"
COLLECTORS_TEST = "a_licence_is_judged_on_the_last_day_of_the_period"
RELIEF_TEST = "relief_is_compared_with_recoveries_that_count_and_only_where_there_are_any"

# A tempting wrong formula: file, what stands there, what a hurried hand would write, the unit test that must see it.
MUTATIONS = [
    ("macros/compliance.sql", "    where is_current\n", "    where true\n", "a_superseded_return_counts_nowhere"),
    (
        "models/marts/core/fct_compliance_returns.sql",
        "order by known_from desc nulls last",
        "order by known_from nulls last",
        "of_two_returns_in_force_the_later_known_counts",
    ),
    (
        "macros/compliance.sql",
        "{{ dbt.dateadd('day', 1, 'lag(period_end_date) over (' ~ period_order(keys) ~ ')') }} = period_start_date",
        "true",
        "only_the_period_that_ended_the_day_before_is_carried",
    ),
    (
        f"{COMPLIANCE}/complaints.sql",
        "carried.complaint_open_count + carried.complaint_received_count') }}",
        "carried.complaint_received_count') }}",
        "only_the_period_that_ended_the_day_before_is_carried",
    ),
    (
        f"{COMPLIANCE}/outsourcing.sql",
        "{{ is_licensed_on('returns', 'returns.period_end_date') }} then 'valid'",
        "{{ is_licensed_on('returns', 'returns.period_start_date') }} then 'valid'",
        COLLECTORS_TEST,
    ),
    (
        f"{COMPLIANCE}/outsourcing.sql",
        "count(placed_account_count) = count(*) as",
        "count(*) > 0 as",
        COLLECTORS_TEST,
    ),
    (
        f"{COMPLIANCE}/disclosure_duties.sql",
        "ratio('returns.duty_met_count', 'returns.duty_due_count')",
        "ratio('returns.duty_met_count + returns.duty_late_count', 'returns.duty_due_count')",
        "late_is_not_met",
    ),
    (
        f"{COMPLIANCE}/violent_collection.sql",
        "returns.item_group = 'outsourcing' as is_of_collector",
        "returns.subject_name is not null as is_of_collector",
        "a_collectors_incidents_stand_apart_from_the_institutions_own",
    ),
    (
        f"{COMPLIANCE}/model_use.sql",
        "ratio('returns.human_reviewed_package_count', 'returns.priced_package_count')",
        "ratio('returns.human_reviewed_package_count', '1')",
        "a_registration_under_way_is_no_registration",
    ),
    (
        f"{COMPLIANCE}/tax_relief.sql",
        "    where is_current\n",
        "    where true\n",
        RELIEF_TEST,
    ),
    (
        f"{COMPLIANCE}/tax_relief.sql",
        "    in_recoveries.recovery_tax_relief_cny,\n",
        "    coalesce(in_recoveries.recovery_tax_relief_cny, 0) as recovery_tax_relief_cny,\n",
        RELIEF_TEST,
    ),
]
