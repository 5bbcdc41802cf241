{#- The periods that are reconciled: all that the publisher names, every quarter since 2024, and where we saw something. -#}
with official as (

    select distinct period from {{ ref('int_official_figures') }}

),

events as (

    select * from {{ ref('int_market_events') }}
    where not is_demo

),

quarter_numbers as (

    select 'Q1' as quarter_number union all
    select 'Q2' as quarter_number union all
    select 'Q3' as quarter_number union all
    select 'Q4' as quarter_number

),

years as (

    select substr(period, 1, 4) as year_text from official
    union
    select substr(quarter, 1, 4) as year_text from events
    where event in ('listed', 'completed')

),

last_quarter as (

    select max(quarter) as quarter from (
        select quarter from events
        where event in ('listed', 'completed') and event_date_precision <> 'year'
        union all
        select period as quarter from official
        where length(period) = 6 and substr(period, 5, 1) = 'Q'
    ) as quarters

),

-- From 2024 on every quarter up to the last one seen: where the publisher stopped, the series goes on without a gap.
periods as (

    select period from official
    union
    select year_text as period from years
    union
    select years.year_text || quarter_numbers.quarter_number as period
    from years
    cross join quarter_numbers
    cross join last_quarter
    where years.year_text >= '2024'
        and years.year_text || quarter_numbers.quarter_number <= last_quarter.quarter
    union
    select quarter as period from events
    where event in ('listed', 'completed') and event_date_precision <> 'year'

),

parsed as (

    select
        period,
        substr(period, 1, 4) as year_text,
        case
            when length(period) = 4 then 'year'
            when length(period) = 6 and substr(period, 5, 1) = 'Q' then 'quarter'
            when length(period) = 6 and substr(period, 5, 1) = 'H' then 'half'
            when length(period) = 7 then 'month'
            when length(period) = 9 and substr(period, 5, 4) = 'Q1-Q' then 'quarters'
        end as period_kind,
        substr(period, length(period), 1) as last_character,
        substr(period, 6, 2) as month_text
    from periods

),

bounds as (

    select
        period,
        period_kind,
        year_text,
        case period_kind
            when 'quarter' then cast(last_character as integer) * 3 - 2
            when 'half' then cast(last_character as integer) * 6 - 5
            when 'month' then cast(month_text as integer)
            else 1
        end as first_month,
        case period_kind
            when 'quarter' then cast(last_character as integer) * 3
            when 'half' then cast(last_character as integer) * 6
            when 'month' then cast(month_text as integer)
            when 'quarters' then cast(last_character as integer) * 3
            else 12
        end as last_month
    from parsed
    where period_kind is not null

),

first_days as (

    select
        period,
        period_kind,
        cast(year_text || '-' || lpad(cast(first_month as {{ dbt.type_string() }}), 2, '0') || '-01' as date)
            as period_start,
        cast(year_text || '-' || lpad(cast(last_month as {{ dbt.type_string() }}), 2, '0') || '-01' as date)
            as last_month_start
    from bounds

)

select
    period,
    period_kind,
    period_start,
    {{ latest_day('last_month_start', "'month'") }} as period_end
from first_days
