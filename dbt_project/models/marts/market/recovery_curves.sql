{#- What the cash is a share of. -#}
{%- set bases = ['principal', 'claim', 'price'] -%}
{%- set segment = ['population', 'vintage', 'business'] -%}
with deals as (

    select * from {{ ref('int_recovery_deals') }}
    where is_month_known

),

months as (

    select * from {{ ref('int_recovery_months') }}
    where row_count > 0

),

numbers as (

    {{ numbers_to_999() }}

),

segments as (

    {% for population, condition in market_populations().items() -%}
    {% set last_population = loop.last -%}
    {% for business in ["'all'", 'business'] -%}
    select
        '{{ population }}' as population,
        vintage,
        {{ business }} as business,
        package_id
    from deals
    where {{ condition }}
    {{ 'union all' if not (last_population and loop.last) }}
    {% endfor -%}
    {% endfor %}

),

segment_deals as (

    select
        segments.population,
        segments.vintage,
        segments.business,
        cast(count(*) as bigint) as deal_count,
        {{ count_where('deals.is_filed') }} as filed_deal_count
    from segments
    inner join deals on segments.package_id = deals.package_id
    group by segments.population, segments.vintage, segments.business

),

cash as (

    select
        package_id,
        route,
        months_since_signing,
        gross_cash_cny,
        net_cash_cny,
        filed_growth_cny
    from months

    union all

    select
        package_id,
        'all' as route,
        months_since_signing,
        {{ money_sum('gross_cash_cny') }} as gross_cash_cny,
        {{ money_sum('net_cash_cny') }} as net_cash_cny,
        {{ money_sum('filed_growth_cny') }} as filed_growth_cny
    from months
    group by package_id, months_since_signing

),

-- Every route that a deal has used, in every month for which the deal is observed.
observed as (

    select
        deals.package_id,
        routes.route,
        cast(numbers.number as bigint) as months_since_signing,
        deals.last_filed_month,
        deals.final_month,
        {% for base in bases -%}
        deals.{{ base }}_cny,
        {% endfor -%}
        deals.claim_basis
    from deals
    inner join (select distinct package_id, route from cash) as routes on deals.package_id = routes.package_id
    inner join numbers on deals.last_observed_month >= numbers.number

),

running as (

    select
        observed.*,
        cash.package_id is not null as has_row,
        coalesce(cash.gross_cash_cny, 0) as gross_cash_cny,
        coalesce(cash.net_cash_cny, 0) as net_cash_cny,
        cash.package_id is null
            and observed.months_since_signing <= coalesce(observed.final_month, observed.last_filed_month) as is_gap,
        {% for amount, total in [
            ('gross_cash_cny', 'cumulative_gross_cash_cny'),
            ('net_cash_cny', 'cumulative_net_cash_cny'),
            ('filed_growth_cny', 'filed_cumulative_gross_cash_cny'),
        ] -%}
        sum(coalesce(cash.{{ amount }}, 0)) over (
            partition by observed.package_id, observed.route
            order by observed.months_since_signing nulls last
            rows between unbounded preceding and current row
        ) as {{ total }}{{ ',' if not loop.last }}
        {% endfor %}
    from observed
    left join cash
        on observed.package_id = cash.package_id
        and observed.route = cash.route
        and observed.months_since_signing = cash.months_since_signing

),

gaps as (

    select
        *,
        max(case when is_gap then 1 else 0 end) over (
            partition by package_id, route
            order by months_since_signing nulls last
            rows between unbounded preceding and current row
        ) = 1 as has_had_gap
    from running

),

sums as (

    select
        {% for column in segment -%}
        segments.{{ column }},
        {% endfor -%}
        gaps.route,
        gaps.months_since_signing,
        cast(count(*) as bigint) as at_risk_deal_count,
        {{ count_where('gaps.is_gap') }} as gap_deal_count,
        {{ count_where('gaps.has_had_gap') }} as deal_with_gap_so_far_count,
        {{ count_where('gaps.has_row and gaps.gross_cash_cny = 0') }} as zero_cash_deal_count,
        {{ count_where('gaps.final_month <= gaps.months_since_signing') }} as final_deal_count,
        {% for amount in [
            'gross_cash_cny', 'net_cash_cny', 'cumulative_gross_cash_cny', 'cumulative_net_cash_cny',
            'filed_cumulative_gross_cash_cny',
        ] -%}
        {{ money_sum('gaps.' ~ amount) }} as {{ amount }},
        {% endfor -%}
        {% for base in bases -%}
        {{ count_where('gaps.' ~ base ~ '_cny is not null') }} as at_risk_with_{{ base }}_count,
        {{ money_sum('gaps.' ~ base ~ '_cny') }} as at_risk_{{ base }}_cny,
        {% for kind in ['gross', 'net'] -%}
        {{ money_sum('case when gaps.' ~ base ~ '_cny is not null then gaps.cumulative_' ~ kind ~ '_cash_cny end') }}
            as cumulative_{{ kind }}_cash_with_{{ base }}_cny,
        {% endfor -%}
        {% endfor -%}
        {{ money_sum("case when gaps.claim_basis = 'claim_total' then gaps.claim_cny end") }} as at_risk_claim_other_basis_cny
    from gaps
    inner join segments on gaps.package_id = segments.package_id
    group by segments.population, segments.vintage, segments.business, gaps.route, gaps.months_since_signing

),

-- A route is set against all deals at risk, also those that never used it: so routes add up to `all`.
whole as (

    select * from sums
    where route = 'all'

),

routes as (

    select distinct population, vintage, business, route
    from sums

),

codes as (

    select * from {{ ref('stg_reference__code_lists') }}
    where list_name = 'recovery_route'

)

select
    whole.population,
    whole.vintage,
    whole.business,
    routes.route,
    codes.zh as route_zh,
    codes.en as route_en,
    whole.months_since_signing,
    -- deals
    segment_deals.deal_count,
    segment_deals.filed_deal_count,
    whole.at_risk_deal_count,
    whole.gap_deal_count,
    whole.deal_with_gap_so_far_count,
    whole.zero_cash_deal_count,
    whole.final_deal_count,
    -- cash of the deals at risk
    {% for amount in [
        'gross_cash_cny', 'net_cash_cny', 'cumulative_gross_cash_cny', 'cumulative_net_cash_cny',
        'filed_cumulative_gross_cash_cny',
    ] -%}
    cast(coalesce(sums.{{ amount }}, 0) as decimal(28,2)) as {{ amount }},
    {% endfor -%}
    cast(
        coalesce(sums.filed_cumulative_gross_cash_cny - sums.cumulative_gross_cash_cny, 0) as decimal(28,2)
    ) as cumulative_difference_cny,
    -- what it is set against
    {% for base in bases -%}
    whole.at_risk_with_{{ base }}_count,
    whole.at_risk_{{ base }}_cny,
    {% if base == 'claim' -%}
    whole.at_risk_claim_other_basis_cny,
    {% endif -%}
    {% for kind in ['gross', 'net'] -%}
    {% set part = 'cumulative_' ~ kind ~ '_cash_with_' ~ base ~ '_cny' -%}
    cast(coalesce(sums.{{ part }}, 0) as decimal(28,2)) as {{ part }},
    {{ ratio('coalesce(sums.' ~ part ~ ', 0)', 'whole.at_risk_' ~ base ~ '_cny') }}
        as cumulative_{{ kind }}_{{ base }}_ratio{{ ',' if not (base == 'price' and kind == 'net') }}
    {% endfor -%}
    {% endfor %}
from whole
inner join segment_deals
    on whole.population = segment_deals.population
    and whole.vintage = segment_deals.vintage
    and whole.business = segment_deals.business
inner join routes
    on whole.population = routes.population
    and whole.vintage = routes.vintage
    and whole.business = routes.business
left join sums
    on whole.population = sums.population
    and whole.vintage = sums.vintage
    and whole.business = sums.business
    and routes.route = sums.route
    and whole.months_since_signing = sums.months_since_signing
left join codes on routes.route = codes.code
