with source as (

    select * from {{ source('operations', 'obligations') }}

)

select
    -- ids
    institution_id,
    period,
    table_name,
    -- what is owed, and by whom
    institution_type,
    frequency,
    role,
    -- dates of China
    cast(period_start_date as date) as period_start_date,
    cast(period_end_date as date) as period_end_date,
    cast(extract(year from period_end_date) as {{ dbt.type_string() }}) || 'Q'
    || cast(extract(quarter from period_end_date) as {{ dbt.type_string() }}) as quarter,
    cast(opening_date as date) as opening_date,
    cast(due_date as date) as due_date,
    cast(grace_date as date) as grace_date,
    -- moments, UTC
    cast(opens_at as timestamp) as opens_at,
    cast(due_before as timestamp) as due_before,
    cast(grace_before as timestamp) as grace_before,
    -- flags and provenance
    cast(is_provisional as boolean) as is_provisional,
    cast(is_demo as boolean) as is_demo,
    certainty,
    source
from source
