-- Each package of a cohort stands in one state, breakdowns add up to `all`, and the cohorts are the events of the quarter.
with speed as (

    select * from {{ ref('sale_speed') }}

),

cohorts as (

    select
        cohort,
        quarter,
        span,
        breakdown,
        sum(package_count) as package_count
    from speed
    group by cohort, quarter, span, breakdown

),

activity as (

    select * from {{ ref('quarterly_activity') }}
    where breakdown = 'all'

),

expected as (

    select
        quarter,
        'signed' as cohort,
        completed_count as package_count
    from activity
    union all
    select
        quarter,
        'listed' as cohort,
        listed_count as package_count
    from activity

)

select
    cohort,
    quarter
from speed
where package_count <> exact_count + inexact_count + missing_count + reversed_count + censored_count
    or unsold_after_90_days_count > followed_90_days_count
    or unsold_after_180_days_count > unsold_after_90_days_count
    or relisted_count > package_count

union all

select
    expected.cohort,
    expected.quarter
from expected
left join cohorts
    on expected.cohort = cohorts.cohort
    and expected.quarter = cohorts.quarter
    and cohorts.span = 'listing_to_signing'
where expected.package_count > 0
group by expected.cohort, expected.quarter, expected.package_count
having count(cohorts.breakdown) <> 4
    or min(cohorts.package_count) <> expected.package_count
    or max(cohorts.package_count) <> expected.package_count
