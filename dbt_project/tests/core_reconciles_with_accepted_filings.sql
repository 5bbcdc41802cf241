{{ config(tags=['whole']) }}
-- Rows and amounts of every accepted filing stand in core as they were filed, to the cent: none lost, none twice, also
-- of filings that were superseded since.
{% set pairs = [
    ('fct_notices', 'stg_filings__package_notices', ['principal_cny', 'principal_interest_cny', 'claim_total_cny']),
    ('int_filed_transfers', 'stg_filings__transfer_results', ['principal_cny', 'principal_interest_cny', 'price_cny']),
    ('fct_loans', 'stg_filings__loans', ['principal_cny', 'interest_cny', 'claim_total_cny']),
    ('fct_collateral', 'stg_filings__collateral', ['valuation_cny']),
    ('fct_recoveries', 'stg_filings__recoveries', ['gross_cash_cny', 'net_cash_cny', 'outstanding_principal_cny']),
    ('fct_compliance_returns', 'stg_filings__compliance_returns', ['placed_amount_cny', 'tax_relief_claimed_cny']),
] -%}
{% for core, staged, amounts in pairs %}
select
    '{{ core }}' as relation,
    coalesce(core.filing_id, staged.filing_id) as filing_id,
    core.row_count as core_rows,
    staged.row_count as staged_rows
from (
    select
        filing_id,
        {% for amount in amounts -%}
        {{ money_sum(amount) }} as {{ amount }},
        {% endfor -%}
        count(*) as row_count
    from {{ ref(core) }}
    group by filing_id
) as core
full outer join (
    select
        filing_id,
        {% for amount in amounts -%}
        {{ money_sum(amount) }} as {{ amount }},
        {% endfor -%}
        count(*) as row_count
    from {{ ref(staged) }}
    group by filing_id
) as staged on core.filing_id = staged.filing_id
where core.filing_id is null
    or staged.filing_id is null
    or core.row_count <> staged.row_count
    {% for amount in amounts -%}
    or core.{{ amount }} <> staged.{{ amount }}
    {% endfor %}
{{ 'union all' if not loop.last }}
{% endfor %}
