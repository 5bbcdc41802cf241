with recoveries as (

    select * from {{ ref('stg_filings__recoveries') }}

),

filings as (

    select * from {{ ref('stg_operations__filings') }}

),

names as (

    select * from {{ ref('stg_reference__institution_names') }}

),

transfer_rows as (

    select * from {{ ref('int_transfer_rows') }}

),

transfers as (

    select * from {{ ref('fct_transfers') }}

),

loan_numbers as (

    select * from {{ ref('int_loan_numbers') }}

),

-- Which deal a holder's project code means, whichever side's code it is; where two deals come into question, neither.
deals as (

    select
        transfer_rows.buyer_key,
        transfer_rows.project_code,
        max(transfers.package_id) as package_id,
        max(transfers.signed_date) as signed_date
    from transfer_rows
    inner join transfers on transfer_rows.package_id = transfers.package_id
    where transfers.is_completed
    group by transfer_rows.buyer_key, transfer_rows.project_code
    having count(distinct transfers.package_id) = 1

),

resolved as (

    select
        recoveries.*,
        loan_numbers.loan_number,
        names.institution_id as holder_id,
        {{ institution_key('names.institution_id', 'recoveries.holder_name') }} as holder_key,
        filings.known_from,
        filings.known_to,
        filings.is_in_force,
        filings.is_demo
    from recoveries
    inner join filings on recoveries.filing_id = filings.filing_id
    left join loan_numbers on recoveries.loan_key = loan_numbers.loan_key
    left join names on {{ bears_name('names', 'recoveries.holder_name', 'recoveries.month') }}

),

ranked as (

    select
        *,
        row_number() over (
            partition by holder_key, project_code, loan_key, month, route, is_in_force
            order by known_from desc nulls last, filing_id desc, row_number desc
        ) as recovery_rank
    from resolved

)

select
    -- ids
    ranked.filing_id,
    ranked.row_number,
    ranked.loan_number,
    deals.package_id,
    ranked.holder_id,
    -- since the deal
    deals.signed_date,
    {{ months_from('deals.signed_date', 'ranked.month') }} as months_since_signing,
    -- as filed
    ranked.project_code,
    ranked.loan_key,
    ranked.holder_name,
    ranked.holder_uscc,
    ranked.month,
    ranked.route,
    ranked.gross_cash_cny,
    ranked.collateral_sale_cash_cny,
    ranked.tax_cost_cny,
    ranked.lawyer_cost_cny,
    ranked.enforcement_cost_cny,
    ranked.agency_cost_cny,
    ranked.other_cost_cny,
    ranked.net_cash_cny,
    ranked.cumulative_gross_cash_cny,
    ranked.collector_name,
    ranked.resale_buyer_name,
    ranked.equity_value_cny,
    ranked.in_kind_value_cny,
    ranked.baojiaolou_project_name,
    ranked.homes_delivered_count,
    ranked.tax_relief_claimed_cny,
    ranked.tax_relief_ground,
    ranked.outstanding_principal_cny,
    ranked.settled_borrower_count,
    ranked.is_final,
    ranked.remarks,
    ranked.missing_reasons,
    ranked.standard_version,
    ranked.filing_institution,
    -- which rows count
    ranked.is_in_force,
    ranked.is_in_force and ranked.recovery_rank = 1 as is_current,
    ranked.is_demo,
    -- two time axes
    ranked.month as valid_from,
    cast({{ dbt.dateadd('month', 1, 'ranked.month') }} as date) as valid_to,
    ranked.known_from,
    ranked.known_to
from ranked
left join deals on ranked.holder_key = deals.buyer_key and ranked.project_code = deals.project_code
