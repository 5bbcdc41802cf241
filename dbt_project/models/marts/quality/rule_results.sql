with results as (

    select * from {{ ref('stg_operations__rule_results') }}

),

filings as (

    select * from {{ ref('stg_operations__filings') }}

)

select
    results.filing_id,
    results.table_name,
    results.rule_id,
    results.severity,
    results.category,
    filings.institution_id,
    filings.subject_id,
    filings.period,
    filings.standard_version,
    filings.verdict,
    filings.state,
    filings.is_in_force,
    filings.decided_at,
    results.rows_judged,
    results.violations,
    {{ ratio('results.violations', 'results.rows_judged') }} as violation_ratio,
    filings.is_demo
from results
inner join filings on results.filing_id = filings.filing_id
