-- Quarters add up to years and to all; bands and businesses to `all`; and the deals of a quarter are those of
-- quarterly_activity, where an unknown business or band is a value too.
{% set columns = ['package_count', 'price_cny', 'claim_package_count', 'claim_price_cny', 'priced_claim_cny',
                  'principal_package_count', 'principal_price_cny', 'priced_principal_cny'] -%}
with prices as (

    select
        *,
        case when business = 'all' then 'all' else 'each' end as business_level,
        case when overdue_band = 'all' then 'all' else 'each' end as band_level
    from {{ ref('price_by_overdue') }}

),

totals as (

    select
        price_kind,
        is_demo,
        period_kind,
        business_level,
        band_level,
        {% for column in columns -%}
        sum({{ column }}) as {{ column }}{{ ',' if not loop.last }}
        {% endfor %}
    from prices
    group by price_kind, is_demo, period_kind, business_level, band_level

),

activity as (

    select
        quarter,
        sum(discount_price_cny) as claim_price_cny,
        sum(priced_claim_cny) as priced_claim_cny,
        sum(priced_count) as package_count
    from {{ ref('quarterly_activity') }}
    where breakdown = 'all'
    group by quarter

),

deals as (

    select
        period as quarter,
        sum(claim_price_cny) as claim_price_cny,
        sum(priced_claim_cny) as priced_claim_cny,
        sum(package_count) as package_count
    from prices
    where period_kind = 'quarter' and price_kind = 'deal' and business = 'all' and overdue_band = 'all'
    group by period

)

select
    parts.price_kind || ' ' || parts.period_kind || ' ' || parts.business_level || ' ' || parts.band_level as difference
from totals as parts
inner join totals as whole
    on parts.price_kind = whole.price_kind
    and parts.is_demo = whole.is_demo
    and whole.period_kind = 'all'
    and whole.business_level = 'all'
    and whole.band_level = 'all'
where {% for column in columns -%}
    parts.{{ column }} <> whole.{{ column }}{{ ' or' if not loop.last }}
    {% endfor %}

union all

select activity.quarter as difference
from activity
left join deals on activity.quarter = deals.quarter
where activity.claim_price_cny <> coalesce(deals.claim_price_cny, 0)
    or activity.priced_claim_cny <> coalesce(deals.priced_claim_cny, 0)
    or activity.package_count <> coalesce(deals.package_count, 0)
