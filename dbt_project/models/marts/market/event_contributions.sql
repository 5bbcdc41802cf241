{#- Who stands behind each figure of the market: disclosure control reads this, of the present and of earlier releases. -#}
with events as (

    select * from {{ ref('int_market_events') }}

),

packages as (

    select * from {{ ref('dim_packages') }}

),

transfers as (

    select * from {{ ref('fct_transfers') }}

),

institutions as (

    select * from {{ ref('dim_institutions') }}

)

select
    events.event || '|' || events.package_id as event_id,
    events.event,
    events.quarter,
    events.business,
    events.seller_type,
    events.buyer_type,
    events.asset_type,
    events.province,
    events.overdue_band,
    events.is_demo,
    -- An institution that merged counts as the one it is part of now; whom the register does not know counts by name.
    coalesce(sellers.current_institution_id, packages.seller_id, packages.seller_name) as seller_key,
    case
        when events.event = 'completed'
            then coalesce(buyers.current_institution_id, transfers.buyer_id, transfers.buyer_name)
    end as buyer_key,
    coalesce(case when events.event = 'completed' then transfers.borrower_count end, packages.borrower_count)
        as borrower_count,
    events.claim_cny,
    events.principal_cny,
    events.price_cny,
    -- What a public notice prints, everybody can take out of a total.
    events.event <> 'completed'
        or coalesce(transfers.source_kind = 'public_notice', false)
        or coalesce(
            transfers.claim_cny = packages.claim_cny and transfers.principal_cny = packages.principal_cny, false
        ) as is_in_notice
from events
inner join packages on events.package_id = packages.package_id
left join transfers on events.package_id = transfers.package_id
left join institutions as sellers on packages.seller_id = sellers.institution_id
left join institutions as buyers on transfers.buyer_id = buyers.institution_id
