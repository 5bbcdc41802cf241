with source as (

    select * from {{ source('filings', 'transfer_result') }}

)

select
    -- where the row was filed
    filing_id,
    filing_institution,
    filing_period,
    cast(row_number as bigint) as row_number,
    standard_version,
    -- the standard's fields
    transfer_id,
    project_code,
    project_name,
    filer_side,
    seller_name,
    seller_uscc,
    seller_type,
    buyer_name,
    buyer_uscc,
    buyer_type,
    counterparty_code,
    asset_type,
    cutoff_date,
    signed_date,
    signed_date_precision,
    settled_date,
    registered_date,
    transfer_mode,
    transfer_platform,
    registration_platform,
    registered_amount_cny,
    price_cny,
    other_consideration_cny,
    cash_received_cny,
    principal_cny,
    interest_cny,
    principal_interest_cny,
    other_fees_cny,
    claim_total_cny,
    retained_cny,
    loss_cny,
    adjusted_write_off_cny,
    five_tier_before,
    loan_count,
    borrower_count,
    denominator_kind,
    discount_ratio,
    principal_recovery_ratio,
    is_debt_to_equity,
    is_resale,
    is_related_party,
    remarks,
    source_kind,
    precision,
    amounts_as_printed,
    source_address,
    source_medium,
    -- why a field is empty (ND1 .. ND5, HIDDEN)
    missing_reasons
from source
