{#- One row per completed deal and side (seller, buyer): who stands behind it today, and the deal's quarter, business and
    claim as market activity counts them. A deal that one side filed, or both in dispute, is one deal here too. -#}
with events as (

    select * from {{ ref('int_market_events') }}
    where event = 'completed'

),

transfers as (

    select * from {{ ref('fct_transfers') }}

),

institutions as (

    select * from {{ ref('dim_institutions') }}

),

parties as (

    {% for side in ['seller', 'buyer'] -%}
    select
        package_id,
        '{{ side }}' as side,
        {{ side }}_id as filed_party_id,
        {{ side }}_name as filed_party_name,
        {{ side }}_type as filed_party_type
    from transfers
    where is_completed
    {{ 'union all' if not loop.last }}
    {% endfor %}

)

select
    parties.package_id,
    parties.side,
    {{ party_today('institutions', 'parties.filed_party_name') }} as party_id,
    coalesce(heirs.institution_type, parties.filed_party_type, 'unknown') as party_type,
    events.quarter,
    events.business,
    events.claim_cny,
    events.claim_basis,
    events.is_demo
from parties
inner join events on parties.package_id = events.package_id
left join institutions on parties.filed_party_id = institutions.institution_id
left join institutions as heirs on institutions.current_institution_id = heirs.institution_id
