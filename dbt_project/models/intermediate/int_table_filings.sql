{#- One row per filing of an institution about itself and per table that it carries, as far as the filing could be read.
    `table_name` is `filing` for the rules on the filing as a whole. What the desk files about others is nobody's duty. -#}
with filings as (

    select * from {{ ref('stg_operations__filings') }}

),

results as (

    select
        filing_id,
        table_name,
        cast(max(rows_judged) as bigint) as rows_filed
    from {{ ref('stg_operations__rule_results') }}
    group by filing_id, table_name

)

select
    filings.filing_id,
    results.table_name,
    filings.institution_id,
    filings.period,
    filings.kind,
    filings.verdict,
    filings.state,
    filings.is_in_force,
    filings.received_at,
    filings.decided_at,
    filings.known_from,
    filings.known_to,
    results.rows_filed
from filings
inner join results on filings.filing_id = results.filing_id
where filings.institution_id = filings.subject_id
