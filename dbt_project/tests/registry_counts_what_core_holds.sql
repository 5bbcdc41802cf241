-- What the registry says was accepted of a filing is what its tables hold, rows and principal to the cent: a held row or a
-- rejected filing that slipped in would show here. The principal of each table is the standard's `principal_field`.
{% set tables = [
    ('fct_notices', 'principal_cny'),
    ('int_filed_transfers', 'principal_cny'),
    ('fct_loans', 'principal_cny'),
    ('fct_collateral', 'null'),
    ('fct_recoveries', 'outstanding_principal_cny'),
    ('fct_compliance_returns', 'null'),
] -%}
with held_by_core as (

    select
        filing_id,
        sum(row_count) as row_count,
        sum(principal_cny) as principal_cny
    from (
        {% for relation, principal in tables -%}
        select
            filing_id,
            count(*) as row_count,
            {{ money_sum('cast(' ~ principal ~ ' as decimal(28,2))') }} as principal_cny
        from {{ ref(relation) }}
        group by filing_id
        {{ 'union all' if not loop.last }}
        {% endfor -%}
    ) as parts
    group by filing_id

)

select
    coalesce(filings.filing_id, held_by_core.filing_id) as filing_id,
    filings.rows_accepted,
    held_by_core.row_count,
    filings.principal_accepted_cny,
    held_by_core.principal_cny
from {{ ref('stg_operations__filings') }} as filings
full outer join held_by_core on filings.filing_id = held_by_core.filing_id
where (held_by_core.filing_id is not null and filings.known_from is null)
    or case when filings.known_from is not null then filings.rows_accepted else 0 end
    <> coalesce(held_by_core.row_count, 0)
    or case when filings.known_from is not null then filings.principal_accepted_cny else 0 end
    <> coalesce(held_by_core.principal_cny, 0)
