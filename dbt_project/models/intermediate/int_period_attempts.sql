{#- Filings of an institution about itself for a period, by what became of them before any table was read. -#}
with filings as (

    select * from {{ ref('stg_operations__filings') }}
    where institution_id = subject_id and period is not null

),

read_filings as (

    select distinct filing_id from {{ ref('int_table_filings') }}

)

select
    filings.institution_id,
    filings.period,
    {{ count_where('read_filings.filing_id is not null') }} as read_count,
    {{ count_where("read_filings.filing_id is null and filings.verdict = 'rejected'") }} as unreadable_count,
    {{ count_where("filings.verdict = 'error'") }} as error_count,
    {{ count_where('filings.verdict is null') }} as waiting_count
from filings
left join read_filings on filings.filing_id = read_filings.filing_id
group by filings.institution_id, filings.period
