with packages as (

    select * from {{ ref('int_package_notices') }}

),

transfers as (

    select * from {{ ref('fct_transfers') }}

),

joined as (

    select
        coalesce(packages.package_id, transfers.package_id) as package_id,
        coalesce(packages.project_code, transfers.project_code) as project_code,
        coalesce(packages.package_name, transfers.project_name) as package_name,
        coalesce(packages.seller_id, transfers.seller_id) as seller_id,
        coalesce(packages.seller_name, transfers.seller_name) as seller_name,
        coalesce(packages.seller_type, transfers.seller_type) as seller_type,
        coalesce(packages.province_code, transfers.province_code) as province_code,
        coalesce(packages.asset_type, transfers.asset_type) as asset_type,
        coalesce(packages.business, transfers.business) as business,
        transfers.buyer_id,
        transfers.buyer_type,
        case
            when transfers.is_completed or packages.result_count > 0 then 'completed'
            when packages.listing_count > 0 then 'listed'
            when packages.teaser_count > 0 then 'teased'
            else 'announced'
        end as status,
        packages.first_announced_date,
        packages.first_announced_date_precision,
        packages.first_teased_date,
        packages.first_teased_date_precision,
        packages.first_listed_date,
        packages.first_listed_date_precision,
        packages.is_first_listing_observed,
        coalesce(packages.notice_count, cast(0 as bigint)) as notice_count,
        coalesce(packages.version_count, cast(0 as bigint)) as version_count,
        coalesce(packages.teaser_count, cast(0 as bigint)) as teaser_count,
        coalesce(packages.listing_count, cast(0 as bigint)) as listing_count,
        coalesce(packages.relisting_count, cast(0 as bigint)) as relisting_count,
        packages.figures_notice_id,
        packages.cutoff_date,
        packages.principal_cny,
        packages.interest_cny,
        packages.principal_interest_cny,
        packages.other_fees_cny,
        packages.claim_total_cny,
        packages.claim_cny,
        packages.claim_basis,
        packages.loan_count,
        packages.borrower_count,
        packages.weighted_overdue_days,
        packages.start_price_cny,
        packages.start_price_notice_id,
        packages.start_price_date,
        packages.start_price_date_precision,
        packages.start_price_claim_cny,
        packages.start_price_claim_basis,
        packages.start_price_principal_cny,
        packages.teaser_claim_cny,
        packages.listing_claim_cny,
        {{ ratio('packages.listing_claim_cny', 'packages.teaser_claim_cny') }} - 1 as claim_drift_ratio,
        packages.teaser_claim_basis = packages.listing_claim_basis as is_claim_drift_same_basis,
        coalesce(packages.is_demo, false) or coalesce(transfers.is_demo, false) as is_demo,
        greatest(
            coalesce(packages.known_from, transfers.known_from),
            coalesce(transfers.known_from, packages.known_from)
        ) as known_from
    from packages
    full outer join transfers on packages.package_id = transfers.package_id

)

select
    package_id,
    project_code,
    package_name,
    seller_id,
    seller_name,
    seller_type,
    province_code,
    asset_type,
    business,
    buyer_id,
    buyer_type,
    status,
    first_announced_date,
    first_announced_date_precision,
    first_teased_date,
    first_teased_date_precision,
    case
        when first_teased_date is not null
            then {{ quarter_text('first_teased_date', 'first_teased_date_precision') }}
    end as first_teased_quarter,
    first_listed_date,
    first_listed_date_precision,
    case
        when first_listed_date is not null
            then {{ quarter_text('first_listed_date', 'first_listed_date_precision') }}
    end as first_listed_quarter,
    is_first_listing_observed,
    notice_count,
    version_count,
    teaser_count,
    listing_count,
    relisting_count,
    figures_notice_id,
    cutoff_date,
    principal_cny,
    interest_cny,
    principal_interest_cny,
    other_fees_cny,
    claim_total_cny,
    claim_cny,
    claim_basis,
    loan_count,
    borrower_count,
    weighted_overdue_days,
    {{ overdue_band('weighted_overdue_days') }} as overdue_band,
    start_price_cny,
    start_price_notice_id,
    start_price_date,
    start_price_date_precision,
    start_price_claim_cny,
    start_price_claim_basis,
    start_price_principal_cny,
    teaser_claim_cny,
    listing_claim_cny,
    claim_drift_ratio,
    is_claim_drift_same_basis,
    is_demo,
    coalesce(first_listed_date, first_announced_date) as valid_from,
    cast(null as date) as valid_to,
    known_from,
    cast(null as timestamp) as known_to
from joined
