with source as (

    select * from {{ source('filings', 'recovery') }}

)

select
    -- where the row was filed
    filing_id,
    filing_institution,
    filing_period,
    cast(row_number as bigint) as row_number,
    standard_version,
    -- the standard's fields
    project_code,
    loan_key,
    holder_name,
    holder_uscc,
    month,
    route,
    gross_cash_cny,
    collateral_sale_cash_cny,
    tax_cost_cny,
    lawyer_cost_cny,
    enforcement_cost_cny,
    agency_cost_cny,
    other_cost_cny,
    net_cash_cny,
    cumulative_gross_cash_cny,
    collector_name,
    resale_buyer_name,
    equity_value_cny,
    in_kind_value_cny,
    baojiaolou_project_name,
    homes_delivered_count,
    tax_relief_claimed_cny,
    tax_relief_ground,
    outstanding_principal_cny,
    settled_borrower_count,
    is_final,
    remarks,
    -- why a field is empty (ND1 .. ND5, HIDDEN)
    missing_reasons
from source
