with collateral as (

    select * from {{ ref('stg_filings__collateral') }}

),

filings as (

    select * from {{ ref('stg_operations__filings') }}

),

loan_numbers as (

    select * from {{ ref('int_loan_numbers') }}

),

-- The table names no holder: it is the institution that the filing is about.
resolved as (

    select
        collateral.*,
        loan_numbers.loan_number,
        filings.subject_id as holder_id,
        filings.known_from,
        filings.known_to,
        filings.is_in_force,
        filings.is_demo
    from collateral
    inner join filings on collateral.filing_id = filings.filing_id
    inner join loan_numbers on collateral.loan_key = loan_numbers.loan_key

),

ranked as (

    select
        *,
        row_number() over (
            partition by holder_id, project_code, loan_key, collateral_key, is_in_force
            order by cutoff_date desc nulls last, known_from desc nulls last, filing_id desc, row_number desc
        ) as collateral_rank
    from resolved

),

ends as (

    {{ ends_of_validity('resolved', ['loan_key', 'collateral_key'], 'cutoff_date') }}

),

-- A thing that secures several loans has a row for each: its value counts once.
shares as (

    select
        filing_id,
        row_number,
        row_number() over (partition by filing_id, project_code, collateral_key order by row_number) as thing_rank
    from resolved

)

select
    -- ids
    ranked.filing_id,
    ranked.row_number,
    ranked.loan_number,
    ranked.holder_id || '|' || ranked.project_code as package_id,
    ranked.holder_id,
    -- as filed
    ranked.project_code,
    ranked.loan_key,
    ranked.collateral_key,
    ranked.cutoff_date,
    ranked.collateral_type,
    ranked.description,
    ranked.province,
    ranked.building_area_sqm,
    ranked.land_area_sqm,
    ranked.built_year,
    ranked.is_completed,
    ranked.occupancy,
    ranked.is_third_party,
    ranked.valuation_cny,
    ranked.valuation_method,
    ranked.valuation_date,
    ranked.ranking,
    ranked.prior_claims_cny,
    ranked.registered_claim_cny,
    ranked.registered_date,
    ranked.seizure_state,
    ranked.seizure_date,
    ranked.is_baojiaolou_project,
    ranked.disposal_state,
    ranked.failed_auctions,
    ranked.last_auction_date,
    ranked.last_reserve_cny,
    ranked.next_auction_date,
    ranked.next_reserve_cny,
    ranked.sale_price_cny,
    ranked.encumbrances,
    ranked.remarks,
    ranked.missing_reasons,
    ranked.standard_version,
    ranked.filing_institution,
    -- which rows count
    shares.thing_rank = 1 as is_first_of_thing,
    ranked.is_in_force,
    ranked.is_in_force and ranked.collateral_rank = 1 as is_current,
    ranked.is_demo,
    -- two time axes
    ranked.cutoff_date as valid_from,
    ends.valid_to,
    ranked.known_from,
    ranked.known_to
from ranked
inner join shares on ranked.filing_id = shares.filing_id and ranked.row_number = shares.row_number
left join ends on ranked.filing_id = ends.filing_id and ranked.row_number = ends.row_number
