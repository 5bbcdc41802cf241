with packages as (

    select * from {{ ref('dim_packages') }}
    where start_price_cny is not null

),

-- The start price is set against the claim that its own notice prints; only without one, against the package's.
parts as (

    select
        *,
        coalesce(start_price_claim_cny, claim_cny) as base_claim_cny,
        case when start_price_claim_cny is not null then start_price_claim_basis else claim_basis end as base_claim_basis,
        case when start_price_claim_cny is not null then start_price_principal_cny else principal_cny end
            as base_principal_cny
    from packages

)

select
    package_id,
    project_code,
    seller_id,
    seller_name,
    seller_type,
    asset_type,
    business,
    status,
    first_listed_date,
    first_listed_quarter,
    start_price_notice_id,
    start_price_date,
    start_price_date_precision,
    start_price_cny,
    base_claim_cny as claim_cny,
    base_claim_basis as claim_basis,
    base_principal_cny as principal_cny,
    {{ ratio('start_price_cny', 'base_claim_cny') }} as start_price_claim_ratio,
    {{ ratio('start_price_cny', 'base_principal_cny') }} as start_price_principal_ratio,
    round(10 * {{ ratio('start_price_cny', 'base_claim_cny') }}, 2) as press_zhe,
    weighted_overdue_days,
    overdue_band,
    is_demo
from parts
