{%- set grain = ['period_kind', 'period', 'price_kind', 'business', 'overdue_band', 'is_demo'] -%}
{%- set bases = {'claim': 'discount_ratio', 'principal': 'principal_recovery_ratio'} -%}
with prices as (

    select * from {{ ref('int_package_prices') }}

),

official as (

    select * from {{ ref('int_official_overdue_prices') }}

),

dated as (

    {{ in_periods('prices', ['quarter', 'year', 'all']) }}

),

by_business as (

    {{ with_all('dated', 'business', 'business_group') }}

),

by_band as (

    {{ with_all('by_business', 'overdue_band', 'band_group') }}

),

sums as (

    select
        period_kind,
        period,
        price_kind,
        business_group as business,
        band_group as overdue_band,
        is_demo,
        cast(count(*) as bigint) as package_count,
        cast(count(distinct seller_party_id) as bigint) as seller_count,
        {{ count_where('seller_party_id is null') }} as unnamed_seller_package_count,
        {{ money_sum('price_cny') }} as price_cny,
        {{ money_sum("case when claim_basis = 'claim_total' then claim_cny end") }} as claim_other_basis_cny,
        {% for base in bases -%}
        {{ count_where(base ~ '_cny is not null') }} as {{ base }}_package_count,
        {{ money_sum('case when ' ~ base ~ '_cny is not null then price_cny end') }} as {{ base }}_price_cny,
        {{ money_sum(base ~ '_cny') }} as priced_{{ base }}_cny,
        {{ count_where(base ~ '_cny > 0') }} as price_{{ base }}_median_count,
        {{ quantile(ratio('price_cny', base ~ '_cny'), 0.5) }} as price_{{ base }}_median{{ ',' if not loop.last }}
        {% endfor %}
    from by_band
    group by period_kind, period, price_kind, business_group, band_group, is_demo

),

-- A published point stands also where the warehouse saw no deal; it never stands beside invented institutions.
keys as (

    select {{ grain | join(', ') }} from sums
    union
    select
        period_kind,
        period,
        'deal' as price_kind,
        business,
        overdue_band,
        false as is_demo
    from official

)

select
    {% for column in grain -%}
    keys.{{ column }},
    {% endfor -%}
    {% for count in ['package_count', 'seller_count', 'unnamed_seller_package_count'] -%}
    coalesce(sums.{{ count }}, cast(0 as bigint)) as {{ count }},
    {% endfor -%}
    coalesce(sums.price_cny, cast(0 as decimal(28,2))) as price_cny,
    coalesce(sums.claim_other_basis_cny, cast(0 as decimal(28,2))) as claim_other_basis_cny,
    {% for base, measure in bases.items() -%}
    coalesce(sums.{{ base }}_package_count, cast(0 as bigint)) as {{ base }}_package_count,
    coalesce(sums.{{ base }}_price_cny, cast(0 as decimal(28,2))) as {{ base }}_price_cny,
    coalesce(sums.priced_{{ base }}_cny, cast(0 as decimal(28,2))) as priced_{{ base }}_cny,
    {{ ratio('sums.' ~ base ~ '_price_cny', 'sums.priced_' ~ base ~ '_cny') }} as price_{{ base }}_ratio,
    coalesce(sums.price_{{ base }}_median_count, cast(0 as bigint)) as price_{{ base }}_median_count,
    sums.price_{{ base }}_median,
    official_{{ base }}.rate as official_price_{{ base }}_ratio,
    official_{{ base }}.status as official_price_{{ base }}_status,
    official_{{ base }}.source_url as official_price_{{ base }}_source_url{{ ',' if not loop.last }}
    {% endfor %}
from keys
left join sums
    on {% for column in grain %}keys.{{ column }} = sums.{{ column }}{{ ' and ' if not loop.last }}{% endfor %}
{% for base, measure in bases.items() -%}
left join official as official_{{ base }}
    on official_{{ base }}.measure = '{{ measure }}'
    and keys.price_kind = 'deal'
    and not keys.is_demo
    and keys.period_kind = official_{{ base }}.period_kind
    and keys.period = official_{{ base }}.period
    and keys.business = official_{{ base }}.business
    and keys.overdue_band = official_{{ base }}.overdue_band
{% endfor %}
