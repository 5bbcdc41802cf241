with events as (

    select * from {{ ref('int_market_events') }}

),

codes as (

    select * from {{ ref('stg_reference__code_lists') }}

),

broken_down as (

    {% for breakdown in ['all', 'business', 'seller_type', 'buyer_type', 'asset_type', 'province', 'overdue_band'] -%}
    select
        events.*,
        '{{ breakdown }}' as breakdown,
        {{ "'all'" if breakdown == 'all' else breakdown }} as breakdown_value
    from events
    {% if not loop.last %}
    union all
    {% endif %}
    {%- endfor %}

),

sums as (

    select
        quarter,
        breakdown,
        breakdown_value,
        {{ count_where("event = 'listed'") }} as listed_count,
        {{ money_sum("case when event = 'listed' then claim_cny end") }} as listed_claim_cny,
        {{ count_where("event = 'listed' and claim_cny is null") }} as listed_without_claim_count,
        {{ money_sum("case when event = 'listed' and claim_basis = 'claim_total' then claim_cny end") }}
            as listed_claim_other_basis_cny,
        {{ count_where("event = 'listed' and not is_first_listing_observed") }} as first_listing_unobserved_count,
        {{ count_where("event = 'teased'") }} as teaser_only_count,
        {{ money_sum("case when event = 'teased' then claim_cny end") }} as teaser_only_claim_cny,
        {{ count_where("event = 'completed'") }} as completed_count,
        {{ money_sum("case when event = 'completed' then claim_cny end") }} as completed_claim_cny,
        {{ count_where("event = 'completed' and claim_cny is null") }} as completed_without_claim_count,
        {{ money_sum("case when event = 'completed' then principal_cny end") }} as completed_principal_cny,
        {{ count_where("price_cny is not null") }} as priced_count,
        {{ money_sum("price_cny") }} as price_cny,
        -- Parts of the ratios: only deals that have both numbers.
        {{ money_sum("case when claim_cny is not null then price_cny end") }} as discount_price_cny,
        {{ money_sum("case when price_cny is not null then claim_cny end") }} as priced_claim_cny,
        {{ money_sum("case when price_cny is not null and claim_basis = 'claim_total' then claim_cny end") }}
            as priced_claim_other_basis_cny,
        {{ money_sum("case when principal_cny is not null then price_cny end") }} as recovery_price_cny,
        {{ money_sum("case when price_cny is not null then principal_cny end") }} as priced_principal_cny,
        cast(count(distinct case when is_demo then package_id end) as bigint) as demo_count,
        {{ count_where("is_demo and event = 'listed'") }} as demo_listed_count,
        {{ money_sum("case when is_demo and event = 'listed' then claim_cny end") }} as demo_listed_claim_cny,
        {{ count_where("is_demo and event = 'completed'") }} as demo_completed_count,
        {{ money_sum("case when is_demo and event = 'completed' then claim_cny end") }} as demo_completed_claim_cny
    from broken_down
    group by quarter, breakdown, breakdown_value

)

select
    sums.quarter,
    sums.breakdown,
    sums.breakdown_value,
    codes.zh as breakdown_value_zh,
    codes.en as breakdown_value_en,
    sums.listed_count,
    sums.listed_claim_cny,
    sums.listed_without_claim_count,
    sums.listed_claim_other_basis_cny,
    sums.first_listing_unobserved_count,
    sums.teaser_only_count,
    sums.teaser_only_claim_cny,
    sums.completed_count,
    sums.completed_claim_cny,
    sums.completed_without_claim_count,
    sums.completed_principal_cny,
    sums.priced_count,
    sums.price_cny,
    sums.discount_price_cny,
    sums.priced_claim_cny,
    sums.priced_claim_other_basis_cny,
    {{ ratio('sums.discount_price_cny', 'sums.priced_claim_cny') }} as discount_ratio,
    sums.recovery_price_cny,
    sums.priced_principal_cny,
    {{ ratio('sums.recovery_price_cny', 'sums.priced_principal_cny') }} as principal_recovery_ratio,
    sums.demo_count,
    sums.demo_listed_count,
    sums.demo_listed_claim_cny,
    sums.demo_completed_count,
    sums.demo_completed_claim_cny
from sums
left join codes
    on sums.breakdown_value = codes.code
    and codes.list_name = case when sums.breakdown in ('seller_type', 'buyer_type') then 'institution_type' else sums.breakdown end
