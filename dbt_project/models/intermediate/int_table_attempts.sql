{#- What was tried for each table of a period, whatever came of it. A filing that could not be read carries no table that
    anybody knows of, so it stands in `int_period_attempts` alone. -#}
with filed as (

    select * from {{ ref('int_table_filings') }}
    -- what the platform decided anew is nobody's attempt
    where coalesce(kind, '') <> 'redecision'

)

select
    institution_id,
    period,
    table_name,
    min(received_at) as first_received_at,
    cast(count(*) as bigint) as attempt_count,
    {{ count_where("verdict = 'rejected'") }} as rejected_count,
    {{ count_where('known_from is not null') }} as ever_accepted_count
from filed
group by institution_id, period, table_name
