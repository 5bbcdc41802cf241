-- The registry's last quarter is 2025Q1: every later quarter up to the last with an event stands with an empty official value.
with quarters as (

    select
        period,
        max(case when status <> 'not_published' then 1 else 0 end) as is_published
    from {{ ref('official_reconciliation') }}
    where period_kind = 'quarter' and business = 'all' and period > '2025Q1'
    group by period

),

seen as (

    select distinct quarter from {{ ref('int_market_events') }}
    where not is_demo and event in ('listed', 'completed') and event_date_precision <> 'year' and quarter > '2025Q1'

)

select
    coalesce(seen.quarter, quarters.period) as quarter
from seen
full outer join quarters on seen.quarter = quarters.period
where quarters.period is null or quarters.is_published = 1
