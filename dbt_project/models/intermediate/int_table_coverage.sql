{#- Since when an institution's table of a period has been covered by accepted filings without a gap, up to the present.

    A correction comes into force at the very moment at which it ends what it corrects, so the original's day counts. A
    withdrawal leaves a gap unless another filing of the table is in force; what is filed after a gap counts from then on. -#}
with filed as (

    select * from {{ ref('int_table_filings') }}
    where known_from is not null

),

with_earlier as (

    select
        filed.*,
        max(coalesce(known_to, cast('9999-12-31' as timestamp))) over (
            partition by institution_id, period, table_name
            order by known_from, filing_id
            rows between unbounded preceding and 1 preceding
        ) as covered_until
    from filed

),

numbered as (

    select
        with_earlier.*,
        sum(case when covered_until >= known_from then 0 else 1 end) over (
            partition by institution_id, period, table_name
            order by known_from, filing_id
            rows between unbounded preceding and current row
        ) as stretch
    from with_earlier

)

select
    institution_id,
    period,
    table_name,
    min(received_at) as filed_at,
    {{ count_where('is_in_force') }} as in_force_count,
    cast(sum(case when is_in_force then rows_filed end) as bigint) as rows_filed
from numbered
group by institution_id, period, table_name, stretch
having count(case when is_in_force then 1 end) > 0
