with filings as (

    select * from {{ ref('stg_operations__filings') }}

),

institutions as (

    select * from {{ ref('stg_reference__institutions') }}

),

violations as (

    select
        filing_id,
        {% for severity in ['reject', 'hold', 'warn', 'info'] -%}
        cast(sum(case when severity = '{{ severity }}' then violations else 0 end) as bigint) as {{ severity }}_violations,
        {% endfor -%}
        {{ count_where('violations > 0') }} as rules_broken
    from {{ ref('stg_operations__rule_results') }}
    group by filing_id

)

select
    filings.filing_id,
    filings.institution_id,
    filers.name_zh as institution_name,
    filers.institution_type,
    filings.subject_id,
    subjects.name_zh as subject_name,
    filings.period,
    filings.sequence,
    filings.kind,
    filings.replaces_filing_id,
    filings.sha256,
    filings.standard_version,
    filings.standard_sha256,
    filings.verdict,
    filings.state,
    filings.is_in_force,
    filings.received_at,
    filings.decided_at,
    filings.rows_filed,
    filings.rows_accepted,
    filings.rows_held,
    filings.principal_filed_cny,
    filings.principal_accepted_cny,
    filings.principal_held_cny,
    {{ ratio('filings.rows_held', 'filings.rows_filed') }} as held_rows_ratio,
    {{ ratio('filings.principal_held_cny', 'filings.principal_filed_cny') }} as held_principal_ratio,
    {% for severity in ['reject', 'hold', 'warn', 'info'] -%}
    coalesce(violations.{{ severity }}_violations, cast(0 as bigint)) as {{ severity }}_violations,
    {% endfor -%}
    coalesce(violations.rules_broken, cast(0 as bigint)) as rules_broken,
    filings.is_demo,
    filings.known_from,
    filings.known_to
from filings
left join institutions as filers on filings.institution_id = filers.institution_id
left join institutions as subjects on filings.subject_id = subjects.institution_id
left join violations on filings.filing_id = violations.filing_id
