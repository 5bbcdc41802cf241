with loans as (

    select * from {{ ref('stg_filings__loans') }}

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

    select * from {{ ref('int_loan_numbers') }}

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
        filings.known_from,
        filings.known_to,
        filings.is_in_force,
        filings.is_demo
    from loans
    inner join filings on loans.filing_id = filings.filing_id
    inner join loan_numbers on loans.loan_key = loan_numbers.loan_key
    left join names as holder_names
        on {{ bears_name('holder_names', 'loans.holder_name', 'loans.cutoff_date') }}
    left join sole_bearers as originator_names
        on {{ normalised_name('loans.originator_name') }} = originator_names.name
    left join codes as products on products.list_name = 'loan_product' and loans.product = products.code

),

-- A package has one tape in force; should two stand there, the later one speaks for the loan.
ranked as (

    select
        *,
        row_number() over (
            partition by holder_key, project_code, loan_key, is_in_force
            order by cutoff_date desc nulls last, known_from desc nulls last, filing_id desc, row_number desc
        ) as loan_rank
    from resolved

),

ends as (

    {{ ends_of_validity('resolved', ['loan_key'], 'cutoff_date') }}

)

select
    -- ids
    ranked.filing_id,
    ranked.row_number,
    ranked.loan_number,
    ranked.holder_key || '|' || ranked.project_code as package_id,
    ranked.holder_id,
    ranked.originator_id,
    -- kind
    ranked.product_group,
    -- as filed
    ranked.project_code,
    ranked.loan_key,
    ranked.borrower_key,
    ranked.holder_name,
    ranked.originator_name,
    ranked.obligor_kind,
    ranked.product,
    ranked.asset_source,
    ranked.asset_theme,
    ranked.five_tier,
    ranked.is_written_off,
    ranked.write_off_date,
    ranked.origination_date,
    ranked.maturity_date,
    ranked.default_date,
    ranked.overdue_start_date,
    ranked.overdue_definition,
    ranked.overdue_days,
    ranked.cutoff_date,
    ranked.principal_cny,
    ranked.interest_cny,
    ranked.other_fees_cny,
    ranked.principal_interest_cny,
    ranked.claim_total_cny,
    ranked.precision,
    ranked.credit_line_cny,
    ranked.annual_rate,
    ranked.currency,
    ranked.guarantee,
    ranked.guarantor_kind,
    ranked.litigation_state,
    ranked.litigation_date,
    ranked.judgment_date,
    ranked.enforcement_state,
    ranked.enforcement_date,
    ranked.court_province,
    ranked.limitation_date,
    ranked.borrower_province,
    ranked.industry,
    ranked.age_band,
    ranked.last_payment_date,
    ranked.last_payment_cny,
    ranked.contact_attempts,
    ranked.contact_state,
    ranked.last_contact_date,
    ranked.restructuring_state,
    ranked.restructuring_date,
    ranked.restructuring_end_date,
    ranked.forgiven_cny,
    ranked.is_baojiaolou,
    ranked.is_securitised,
    ranked.transfer_bar,
    ranked.defects,
    ranked.remarks,
    ranked.missing_reasons,
    ranked.standard_version,
    ranked.filing_institution,
    -- which rows count
    ranked.is_in_force,
    ranked.is_in_force and ranked.loan_rank = 1 as is_current,
    ranked.is_demo,
    -- two time axes
    ranked.cutoff_date as valid_from,
    ends.valid_to,
    ranked.known_from,
    ranked.known_to
from ranked
left join ends on ranked.filing_id = ends.filing_id and ranked.row_number = ends.row_number
