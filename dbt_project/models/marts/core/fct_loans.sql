{{ config(
    materialized=growing(), incremental_strategy='delete+insert', unique_key='loan_number', on_schema_change='fail'
) }}
{%- set filed_columns = [
    'project_code', 'loan_key', 'borrower_key', 'holder_name', 'originator_name', 'obligor_kind', 'product',
    'asset_source', 'asset_theme', 'five_tier', 'is_written_off', 'write_off_date', 'origination_date',
    'maturity_date', 'default_date', 'overdue_start_date', 'overdue_definition', 'overdue_days', 'cutoff_date',
    'principal_cny', 'interest_cny', 'other_fees_cny', 'principal_interest_cny', 'claim_total_cny', 'precision',
    'credit_line_cny', 'annual_rate', 'currency', 'guarantee', 'guarantor_kind', 'litigation_state',
    'litigation_date', 'judgment_date', 'enforcement_state', 'enforcement_date', 'court_province', 'limitation_date',
    'borrower_province', 'industry', 'age_band', 'last_payment_date', 'last_payment_cny', 'contact_attempts',
    'contact_state', 'last_contact_date', 'restructuring_state', 'restructuring_date', 'restructuring_end_date',
    'forgiven_cny', 'is_baojiaolou', 'is_securitised', 'transfer_bar', 'defects', 'remarks', 'missing_reasons',
    'standard_version', 'filing_institution',
] -%}
-- depends_on: {{ ref('int_changed_filings') }} {{ ref('int_touched_loans') }} {{ ref('int_loan_numbers') }}
with loans as (

    select
        filing_id,
        row_number,
        {{ filed_columns | join(',\n        ') }}
    from {{ ref('stg_filings__loans') }}
    {%- if is_update() %}
    where {{ in_new_filings('fct_loans') }}

    union all

    select
        filing_id,
        row_number,
        {{ filed_columns | join(',\n        ') }}
    from {{ this }}
    where {{ of_touched('loan_number', 'int_touched_loans') }}
    {%- endif %}

),

filings as (

    select * from {{ ref('stg_operations__filings') }}

),

names as (

    select * from {{ ref('stg_reference__institution_names') }}

),

codes as (

    select * from {{ ref('stg_reference__code_lists') }}

),

loan_numbers as (

    -- of an update's loans those of what was touched, which are few
    select * from {{ ref('int_touched_loans' if is_update() else 'int_loan_numbers') }}

),

ranks as (

    select * from {{ ref('int_loan_ranks') }}

),

-- An originator may be called by the name of its time or by its present one: a name that one institution alone ever bore
-- says who it is on any day.
sole_bearers as (

    select
        name,
        max(institution_id) as institution_id
    from names
    group by name
    having count(distinct institution_id) = 1

),

resolved as (

    select
        loans.*,
        loan_numbers.loan_number,
        holder_names.institution_id as holder_id,
        {{ institution_key('holder_names.institution_id', 'loans.holder_name') }} as holder_key,
        originator_names.institution_id as originator_id,
        products.parent_code as product_group,
        coalesce(ranks.loan_rank, 1) as loan_rank,
        ranks.valid_to,
        filings.known_from,
        filings.known_to,
        filings.is_in_force,
        filings.is_demo
    from loans
    inner join filings on loans.filing_id = filings.filing_id
    inner join loan_numbers on loans.loan_key = loan_numbers.loan_key
    left join ranks on loans.filing_id = ranks.filing_id and loans.row_number = ranks.row_number
    left join names as holder_names
        on {{ bears_name('holder_names', 'loans.holder_name', 'loans.cutoff_date') }}
    left join sole_bearers as originator_names
        on {{ normalised_name('loans.originator_name') }} = originator_names.name
    left join codes as products on products.list_name = 'loan_product' and loans.product = products.code

)

select
    -- ids
    filing_id,
    row_number,
    loan_number,
    holder_key || '|' || project_code as package_id,
    holder_id,
    originator_id,
    -- kind
    product_group,
    -- as filed
    {{ filed_columns | join(',\n    ') }},
    -- which rows count
    is_in_force,
    is_in_force and loan_rank = 1 as is_current,
    is_demo,
    -- two time axes
    cutoff_date as valid_from,
    valid_to,
    known_from,
    known_to
from resolved
