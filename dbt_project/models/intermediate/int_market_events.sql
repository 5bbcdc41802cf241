{#- One row per counted event of a package: teased (never listed or sold since), listed (once, by first date), completed. -#}
with packages as (

    select * from {{ ref('dim_packages') }}

),

transfers as (

    select * from {{ ref('fct_transfers') }}

),

events as (

    select
        package_id,
        'teased' as event,
        first_teased_date as event_date,
        first_teased_date_precision as event_date_precision,
        claim_cny,
        claim_basis,
        principal_cny,
        cast(null as decimal(18,2)) as price_cny,
        cast(null as boolean) as is_first_listing_observed
    from packages
    where status = 'teased'

    union all

    select
        package_id,
        'listed' as event,
        first_listed_date as event_date,
        first_listed_date_precision as event_date_precision,
        claim_cny,
        claim_basis,
        principal_cny,
        cast(null as decimal(18,2)) as price_cny,
        is_first_listing_observed
    from packages
    where first_listed_date is not null

    union all

    select
        package_id,
        'completed' as event,
        signed_date as event_date,
        signed_date_precision as event_date_precision,
        claim_cny,
        claim_basis,
        principal_cny,
        price_cny,
        cast(null as boolean) as is_first_listing_observed
    from transfers
    where is_completed

)

select
    events.*,
    {{ quarter_text('events.event_date', 'events.event_date_precision') }} as quarter,
    {{ latest_day('events.event_date', 'events.event_date_precision') }} as latest_event_date,
    coalesce(packages.business, 'unknown') as business,
    coalesce(packages.seller_type, 'unknown') as seller_type,
    coalesce(packages.buyer_type, 'unknown') as buyer_type,
    coalesce(packages.asset_type, 'unknown') as asset_type,
    coalesce(packages.province_code, 'unknown') as province,
    packages.overdue_band,
    packages.is_demo
from events
inner join packages on events.package_id = packages.package_id
