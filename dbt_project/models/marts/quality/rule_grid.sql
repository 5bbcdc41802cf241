with obligations as (

    select * from {{ ref('stg_operations__obligations') }}

),

rules as (

    select * from {{ ref('stg_operations__rules') }}
    where state = 'active'

),

filed as (

    select * from {{ ref('int_table_filings') }}

),

results as (

    select * from {{ ref('stg_operations__rule_results') }}

),

period_attempts as (

    select * from {{ ref('int_period_attempts') }}

),

institutions as (

    select * from {{ ref('stg_reference__institutions') }}

),

present as (

    {{ present_moment(ref('stg_operations__filings')) }}

),

owed as (

    select institution_id, period, table_name, due_before from obligations
    union all
    -- the filing as a whole is due with the first of its tables
    select institution_id, period, 'filing' as table_name, min(due_before) as due_before
    from obligations
    group by institution_id, period

),

-- Owed or filed: every such table of a period, and the filing as a whole, gets all of its rules.
cells as (

    select institution_id, period, table_name from owed
    union
    select institution_id, period, table_name from filed where period is not null

),

-- What speaks for a cell: the filings in force, else the last one that was rejected after it had been read.
ranked as (

    select
        filed.*,
        row_number() over (
            partition by institution_id, period, table_name
            order by is_in_force desc, decided_at desc nulls last, filing_id
        ) as position
    from filed
    where is_in_force or verdict = 'rejected'

),

speaking as (

    select * from ranked
    where is_in_force or position = 1

),

spoken as (

    select distinct institution_id, period, table_name from speaking

),

outcomes as (

    select
        speaking.institution_id,
        speaking.period,
        speaking.table_name,
        results.rule_id,
        cast(sum(results.rows_judged) as bigint) as rows_judged,
        cast(sum(results.violations) as bigint) as violations
    from speaking
    inner join results
        on speaking.filing_id = results.filing_id
        and speaking.table_name = results.table_name
    group by speaking.institution_id, speaking.period, speaking.table_name, results.rule_id

),

accepted_once as (

    select distinct institution_id, period, table_name from filed
    where known_from is not null

),

grid as (

    select
        cells.institution_id,
        cells.period,
        cells.table_name,
        {{ period_end('cells.period') }} as period_end_date,
        rules.rule_id,
        rules.severity,
        rules.category,
        rules.since_date,
        rules.until_date
    from cells
    inner join rules
        on cells.table_name = rules.table_name
        or (rules.table_name = '*' and cells.table_name <> 'filing')

),

joined as (

    select
        grid.*,
        outcomes.rows_judged,
        outcomes.violations,
        spoken.institution_id is not null as has_spoken,
        accepted_once.institution_id is not null as was_accepted,
        owed.institution_id is not null as is_owed,
        coalesce(present.as_of_at < owed.due_before, false) as is_not_yet_due,
        coalesce(period_attempts.read_count, 0) as read_count,
        coalesce(period_attempts.unreadable_count, 0) as unreadable_count,
        coalesce(period_attempts.error_count, 0) as error_count,
        coalesce(period_attempts.waiting_count, 0) as waiting_count,
        grid.period_end_date >= grid.since_date
        and (grid.until_date is null or grid.period_end_date <= grid.until_date) as is_in_version
    from grid
    cross join present
    left join outcomes
        on grid.institution_id = outcomes.institution_id
        and grid.period = outcomes.period
        and grid.table_name = outcomes.table_name
        and grid.rule_id = outcomes.rule_id
    left join spoken
        on grid.institution_id = spoken.institution_id
        and grid.period = spoken.period
        and grid.table_name = spoken.table_name
    left join accepted_once
        on grid.institution_id = accepted_once.institution_id
        and grid.period = accepted_once.period
        and grid.table_name = accepted_once.table_name
    left join owed
        on grid.institution_id = owed.institution_id
        and grid.period = owed.period
        and grid.table_name = owed.table_name
    left join period_attempts
        on grid.institution_id = period_attempts.institution_id
        and grid.period = period_attempts.period

),

judged as (

    select
        joined.*,
        case
            -- rows of an older version may stand in a filing of today: what broke a rule broke it
            when violations > 0 then 'failed'
            when not is_in_version then 'not_assessed'
            when rows_judged > 0 then 'passed'
            when rows_judged = 0 then 'not_applicable'
            else 'not_assessed'
        end as outcome
    from joined

)

select
    judged.institution_id,
    institutions.name_zh as institution_name,
    judged.period,
    judged.period_end_date,
    judged.table_name,
    judged.rule_id,
    judged.severity,
    judged.category,
    judged.outcome,
    case
        when judged.outcome <> 'not_assessed' then null
        when not judged.is_in_version then 'rule_not_in_version'
        when judged.has_spoken then 'rule_did_not_run'
        when judged.error_count > 0 then 'our_error'
        when judged.waiting_count > 0 then 'undecided'
        when judged.was_accepted then 'withdrawn'
        when judged.is_not_yet_due then 'not_yet_due'
        when judged.unreadable_count > 0 then 'unreadable'
        when judged.read_count > 0 then 'table_not_filed'
        else 'nothing_filed'
    end as not_assessed_reason,
    judged.is_owed,
    coalesce(judged.rows_judged, cast(0 as bigint)) as rows_judged,
    coalesce(judged.violations, cast(0 as bigint)) as violations,
    coalesce(institutions.is_demo, false) as is_demo
from judged
left join institutions on judged.institution_id = institutions.institution_id
