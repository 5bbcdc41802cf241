with obligations as (

    select * from {{ ref('stg_operations__obligations') }}

),

coverage as (

    select * from {{ ref('int_table_coverage') }}

),

attempts as (

    select * from {{ ref('int_table_attempts') }}

),

period_attempts as (

    select * from {{ ref('int_period_attempts') }}

),

institutions as (

    select * from {{ ref('stg_reference__institutions') }}

),

-- What was decided last is all that the platform knows of the time: the same filings give the same answer on any day.
present as (

    {{ present_moment(ref('stg_operations__filings')) }}

),

joined as (

    select
        obligations.*,
        institutions.name_zh as institution_name,
        present.as_of_at,
        coverage.filed_at,
        coverage.rows_filed,
        attempts.first_received_at,
        coalesce(coverage.in_force_count, cast(0 as bigint)) as in_force_count,
        coalesce(attempts.attempt_count, cast(0 as bigint)) as attempt_count,
        coalesce(attempts.rejected_count, cast(0 as bigint)) as rejected_count,
        coalesce(attempts.ever_accepted_count, cast(0 as bigint)) as ever_accepted_count,
        coalesce(period_attempts.unreadable_count, cast(0 as bigint)) as unreadable_count,
        coalesce(period_attempts.error_count, cast(0 as bigint)) as error_count,
        coalesce(period_attempts.waiting_count, cast(0 as bigint)) as waiting_count
    from obligations
    cross join present
    left join institutions on obligations.institution_id = institutions.institution_id
    left join coverage
        on obligations.institution_id = coverage.institution_id
        and obligations.period = coverage.period
        and obligations.table_name = coverage.table_name
    left join attempts
        on obligations.institution_id = attempts.institution_id
        and obligations.period = attempts.period
        and obligations.table_name = attempts.table_name
    left join period_attempts
        on obligations.institution_id = period_attempts.institution_id
        and obligations.period = period_attempts.period

),

judged as (

    select
        joined.*,
        case
            when filed_at < opens_at then 'early'
            when filed_at < due_before then 'on_time'
            when filed_at < grace_before then 'late_within_grace'
            when filed_at is not null then 'late'
            -- it may yet turn out to be filed: the platform owes the verdict
            when waiting_count + error_count > 0 then 'undecided'
            when as_of_at < opens_at then 'not_yet_open'
            when as_of_at < due_before then 'not_yet_due'
            when as_of_at < grace_before then 'overdue'
            else 'missing'
        end as status
    from joined

)

select
    institution_id,
    institution_name,
    institution_type,
    period,
    quarter,
    table_name,
    frequency,
    role,
    period_start_date,
    period_end_date,
    opening_date,
    due_date,
    grace_date,
    is_provisional,
    as_of_at,
    status,
    case
        when status not in ('overdue', 'missing') then null
        when ever_accepted_count > 0 then 'withdrawn'
        when rejected_count + unreadable_count > 0 then 'rejected_only'
        else 'nothing_filed'
    end as missing_reason,
    status in ('early', 'on_time') as is_on_time,
    -- what was due by the present, and what was met before it was due
    status not in ('not_yet_open', 'not_yet_due', 'undecided') as is_assessed,
    filed_at,
    cast(
        case
            when filed_at >= due_before
                then {{ dbt.datediff('due_date', china_day('filed_at'), 'day') }}
            when status in ('overdue', 'missing')
                then {{ dbt.datediff('due_date', china_day('as_of_at'), 'day') }}
        end as bigint
    ) as days_late,
    first_received_at,
    attempt_count,
    rejected_count,
    unreadable_count,
    in_force_count,
    case when in_force_count > 1 then in_force_count - 1 else cast(0 as bigint) end as duplicate_count,
    rows_filed,
    coalesce(rows_filed = 0, false) as is_nil_return,
    certainty,
    source,
    is_demo
from judged
