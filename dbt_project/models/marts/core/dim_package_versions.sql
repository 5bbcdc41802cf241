with notices as (

    select * from {{ ref('int_notice_versions') }}

),

{{ package_figures('notices', ['package_id', 'span_from', 'span_to']) }}

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
    first_announced_date,
    first_announced_date_precision,
    first_teased_date,
    first_teased_date_precision,
    first_listed_date,
    first_listed_date_precision,
    is_first_listing_observed,
    notice_count,
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
    start_price_cny,
    start_price_notice_id,
    is_demo,
    coalesce(first_listed_date, first_announced_date) as valid_from,
    cast(null as date) as valid_to,
    span_from as known_from,
    span_to as known_to
from figures
