"""Wrong formulas of timeliness, the grid of rules and institution scores, as in `wrong_formulas.py`."""

COVERAGE = "a_correction_keeps_the_day_of_its_original_and_what_was_withdrawn_leaves_a_gap"
MOMENTS = "the_last_moment_of_the_due_day_in_china_is_on_time_and_the_next_one_is_late"
MISSING = "what_is_not_filed_is_missing_after_grace_alone_and_says_why"
GRID = "every_rule_of_what_is_owed_or_filed_has_an_outcome_and_silence_is_no_pass"
SCORES = "a_score_is_the_weighted_mean_of_what_could_be_assessed"

MUTATIONS = [
    (
        "models/intermediate/int_table_coverage.sql",
        "min(received_at) as filed_at",
        "min(case when is_in_force then received_at end) as filed_at",
        COVERAGE,
    ),
    (
        "models/intermediate/int_table_coverage.sql",
        "case when covered_until >= known_from then 0 else 1 end",
        "case when covered_until is not null then 0 else 1 end",
        COVERAGE,
    ),
    (
        "models/intermediate/int_table_filings.sql",
        "where filings.institution_id = filings.subject_id",
        "where filings.subject_id is not null",
        "what_the_desk_files_about_a_bank_is_not_the_banks_filing",
    ),
    (
        "models/marts/quality/timeliness.sql",
        "when filed_at < due_before then 'on_time'",
        "when filed_at <= due_before then 'on_time'",
        MOMENTS,
    ),
    (
        "models/marts/quality/timeliness.sql",
        "then {{ dbt.datediff('due_date', china_day('filed_at'), 'day') }}",
        "then {{ dbt.datediff('due_date', 'cast(filed_at as date)', 'day') }}",
        MOMENTS,
    ),
    (
        "models/marts/quality/timeliness.sql",
        "when as_of_at < grace_before then 'overdue'",
        "when as_of_at <= grace_before then 'overdue'",
        MISSING,
    ),
    (
        "models/marts/quality/timeliness.sql",
        "when rejected_count + unreadable_count > 0 then 'rejected_only'",
        "when rejected_count > 0 then 'rejected_only'",
        MISSING,
    ),
    (
        "models/marts/quality/timeliness.sql",
        "when waiting_count + error_count > 0 then 'undecided'",
        "when waiting_count > 0 then 'undecided'",
        MISSING,
    ),
    (
        "models/marts/quality/rule_grid.sql",
        "    where is_in_force or position = 1\n",
        "    where true\n",
        GRID,
    ),
    (
        "models/marts/quality/rule_grid.sql",
        "            else 'not_assessed'\n        end as outcome",
        "            else 'passed'\n        end as outcome",
        GRID,
    ),
    (
        "models/marts/quality/rule_grid.sql",
        "    where state = 'active'",
        "    where state is not null",
        GRID,
    ),
    (
        "models/marts/quality/institution_scores.sql",
        "round(100 * weighted_sum / assessed_weight, 2)",
        "round(100 * weighted_sum, 2)",
        SCORES,
    ),
    (
        "models/marts/quality/institution_scores.sql",
        "{{ count_where('is_assessed') }} as denominator",
        "cast(count(*) as bigint) as denominator",
        SCORES,
    ),
    (
        "models/marts/quality/institution_scores.sql",
        "    where try_number = 1\n",
        "    where try_number > 0\n",
        SCORES,
    ),
    (
        "models/marts/quality/institution_scores.sql",
        "    where filed_quarters.is_in_force\n",
        "    where filed_quarters.quarter is not null\n",
        SCORES,
    ),
    (
        "models/marts/quality/institution_scores.sql",
        "where filed_quarters.is_in_force and completeness.asked_count > 0",
        "where filed_quarters.is_in_force",
        SCORES,
    ),
    (
        "models/marts/quality/institution_scores.sql",
        "reconciliation_status in ('agreed', 'disputed')",
        "reconciliation_status is not null",
        SCORES,
    ),
    (
        "models/intermediate/int_table_attempts.sql",
        "where coalesce(kind, '') <> 'redecision'",
        "",
        "what_the_platform_decides_anew_is_nobodys_attempt",
    ),
]
