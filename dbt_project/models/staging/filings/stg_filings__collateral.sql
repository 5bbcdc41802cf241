with source as (

    select * from {{ source('filings', 'collateral') }}

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
    collateral_key,
    cutoff_date,
    collateral_type,
    description,
    province,
    building_area_sqm,
    land_area_sqm,
    built_year,
    is_completed,
    occupancy,
    is_third_party,
    valuation_cny,
    valuation_method,
    valuation_date,
    ranking,
    prior_claims_cny,
    registered_claim_cny,
    registered_date,
    seizure_state,
    seizure_date,
    is_baojiaolou_project,
    disposal_state,
    failed_auctions,
    last_auction_date,
    last_reserve_cny,
    next_auction_date,
    next_reserve_cny,
    sale_price_cny,
    encumbrances,
    remarks,
    -- why a field is empty (ND1 .. ND5, HIDDEN)
    missing_reasons
from source
