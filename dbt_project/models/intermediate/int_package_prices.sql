{#- One row per price of a package: the deal price by day of signing, the start price by the day of the notice that printed
    it. Each with the claim and principal that it is set against, and with its seller as of today. -#}
with events as (

    select * from {{ ref('int_market_events') }}

),

start_prices as (

    select * from {{ ref('start_prices') }}

),

packages as (

    select * from {{ ref('dim_packages') }}

),

institutions as (

    select * from {{ ref('dim_institutions') }}

),

prices as (

    select
        package_id,
        'deal' as price_kind,
        quarter,
        business,
        overdue_band,
        price_cny,
        claim_cny,
        claim_basis,
        principal_cny,
        is_demo
    from events
    where event = 'completed'
        and price_cny is not null

    union all

    select
        package_id,
        'start' as price_kind,
        {{ quarter_text('start_price_date', 'start_price_date_precision') }} as quarter,
        coalesce(business, 'unknown') as business,
        overdue_band,
        start_price_cny as price_cny,
        claim_cny,
        claim_basis,
        principal_cny,
        is_demo
    from start_prices

)

select
    prices.*,
    {{ party_today('institutions', 'packages.seller_name') }} as seller_party_id
from prices
inner join packages on prices.package_id = packages.package_id
left join institutions on packages.seller_id = institutions.institution_id
