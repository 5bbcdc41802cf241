{#- Transfer rows in force, one per deal and side, and until which day the other side may still file. -#}
with sides as (

    select * from {{ ref('int_transfer_sides') }}

),

matches as (

    select * from {{ ref('int_transfer_matches') }}

),

grace as (

    select max(cast(value as integer)) as days from {{ ref('stg_reference__parameters') }}
    where parameter_name = 'counterpart_grace_days'

),

present as (

    {{ present_day(ref('stg_operations__filings')) }}

),

dated as (

    select
        sides.*,
        coalesce(matches.package_id, sides.filed_package_id) as package_id,
        matches.match_basis,
        {{ dbt.last_day(latest_day('sides.signed_date', 'sides.signed_date_precision'), 'month') }} as signed_month_end
    from sides
    left join matches on sides.filed_package_id = matches.filed_package_id

)

select
    dated.*,
    cast({{ dbt.dateadd('day', 'grace.days', 'dated.signed_month_end') }} as date) as counterpart_due_date,
    present.as_of_date > cast({{ dbt.dateadd('day', 'grace.days', 'dated.signed_month_end') }} as date)
        as is_counterpart_overdue
from dated
cross join grace
cross join present
