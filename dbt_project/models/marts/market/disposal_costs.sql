{%- set costs = recovery_costs() -%}
{%- set of_deal = ['all', 'vintage', 'business', 'buyer_type'] -%}
with deals as (

    select * from {{ ref('int_recovery_deals') }}
    where is_filed

),

months as (

    select * from {{ ref('int_recovery_months') }}

),

-- A deal has one price, however many months and routes it fills.
broken_down_deals as (

    {% for population, condition in market_populations().items() -%}
    {% set last_population = loop.last -%}
    {% for breakdown in of_deal -%}
    select
        '{{ population }}' as population,
        '{{ breakdown }}' as breakdown,
        {{ "'all'" if breakdown == 'all' else breakdown }} as breakdown_value,
        package_id,
        price_cny
    from deals
    where {{ condition }}
    {{ 'union all' if not (last_population and loop.last) }}
    {% endfor -%}
    {% endfor %}

),

prices as (

    select
        population,
        breakdown,
        breakdown_value,
        {{ count_where('price_cny is not null') }} as priced_deal_count,
        {{ money_sum('price_cny') }} as price_cny
    from broken_down_deals
    group by population, breakdown, breakdown_value

),

cells as (

    select
        broken_down_deals.population,
        broken_down_deals.breakdown,
        broken_down_deals.breakdown_value,
        broken_down_deals.price_cny is not null as is_priced,
        months.*
    from broken_down_deals
    inner join months on broken_down_deals.package_id = months.package_id

    union all

    select
        broken_down_deals.population,
        'route' as breakdown,
        months.route as breakdown_value,
        broken_down_deals.price_cny is not null as is_priced,
        months.*
    from broken_down_deals
    inner join months on broken_down_deals.package_id = months.package_id
    where broken_down_deals.breakdown = 'all'

),

{#- `unattributed`: what net cash lacks of gross cash and no cost names. -#}
{%- set remainder = 'gross_cash_cny - net_cash_cny - ' ~ (costs | join('_cost_cny - ')) ~ '_cost_cny' -%}
sums as (

    select
        population,
        breakdown,
        breakdown_value,
        cast(count(distinct case when row_count > 0 then package_id end) as bigint) as deal_count,
        {% for prefix, condition in {'': 'true', 'priced_': 'is_priced'}.items() -%}
        {% for amount in ['gross_cash', 'net_cash'] -%}
        {{ money_sum('case when ' ~ condition ~ ' then ' ~ amount ~ '_cny end') }} as {{ prefix }}{{ amount }}_cny,
        {% endfor -%}
        {% for cost in costs -%}
        {{ money_sum('case when ' ~ condition ~ ' then ' ~ cost ~ '_cost_cny end') }} as {{ prefix }}{{ cost }}_cost_cny,
        {% endfor -%}
        {{ money_sum('case when ' ~ condition ~ ' then ' ~ remainder ~ ' end') }} as {{ prefix }}unattributed_cost_cny,
        {% endfor -%}
        {{ money_sum('uncosted_gross_cash_cny') }} as uncosted_gross_cash_cny,
        {{ money_sum('left_out_gross_cash_cny') }} as left_out_gross_cash_cny
    from cells
    group by population, breakdown, breakdown_value

),

by_month as (

    select
        population,
        breakdown,
        breakdown_value,
        months_since_signing,
        {{ money_sum('gross_cash_cny') }} as gross_cash_cny
    from cells
    where months_since_signing is not null
    group by population, breakdown, breakdown_value, months_since_signing

),

running as (

    select
        *,
        sum(gross_cash_cny) over (
            partition by population, breakdown, breakdown_value
            order by months_since_signing nulls last
            rows between unbounded preceding and current row
        ) as cash_so_far_cny,
        sum(gross_cash_cny) over (partition by population, breakdown, breakdown_value) as dated_cash_cny
    from by_month

),

times as (

    select
        population,
        breakdown,
        breakdown_value,
        {{ money_sum('gross_cash_cny') }} as dated_gross_cash_cny,
        min(case when gross_cash_cny > 0 then months_since_signing end) as months_to_first_cash,
        {% for share in [25, 50, 75] -%}
        min(
            case when dated_cash_cny > 0 and 100 * cash_so_far_cny >= {{ share }} * dated_cash_cny then months_since_signing end
        ) as months_to_{{ share }}_percent{{ ',' if not loop.last }}
        {% endfor %}
    from running
    group by population, breakdown, breakdown_value

),

codes as (

    select * from {{ ref('stg_reference__code_lists') }}

)

select
    sums.population,
    sums.breakdown,
    sums.breakdown_value,
    codes.zh as breakdown_value_zh,
    codes.en as breakdown_value_en,
    sums.deal_count,
    -- of the cash
    sums.gross_cash_cny,
    {% for cost in costs + ['unattributed'] -%}
    sums.{{ cost }}_cost_cny,
    {{ ratio('sums.' ~ cost ~ '_cost_cny', 'sums.gross_cash_cny') }} as {{ cost }}_cost_gross_ratio,
    {% endfor -%}
    sums.net_cash_cny,
    {{ ratio('sums.gross_cash_cny - sums.net_cash_cny', 'sums.gross_cash_cny') }} as cost_gross_ratio,
    sums.uncosted_gross_cash_cny,
    sums.left_out_gross_cash_cny,
    -- of the price: only deals whose price is known, and for a route the price of all of them
    prices.priced_deal_count,
    prices.price_cny,
    sums.priced_gross_cash_cny,
    {% for cost in costs + ['unattributed'] -%}
    sums.priced_{{ cost }}_cost_cny,
    {{ ratio('sums.priced_' ~ cost ~ '_cost_cny', 'prices.price_cny') }} as {{ cost }}_cost_price_ratio,
    {% endfor -%}
    sums.priced_net_cash_cny,
    {{ ratio('sums.priced_gross_cash_cny - sums.priced_net_cash_cny', 'prices.price_cny') }} as cost_price_ratio,
    {{ ratio('sums.priced_gross_cash_cny', 'prices.price_cny') }} as gross_price_multiple,
    {{ ratio('sums.priced_net_cash_cny', 'prices.price_cny') }} as net_price_multiple,
    -- how long it took
    cast(coalesce(times.dated_gross_cash_cny, 0) as decimal(28,2)) as dated_gross_cash_cny,
    times.months_to_first_cash,
    times.months_to_25_percent,
    times.months_to_50_percent,
    times.months_to_75_percent
from sums
inner join prices
    on sums.population = prices.population
    and prices.breakdown = case when sums.breakdown = 'route' then 'all' else sums.breakdown end
    and prices.breakdown_value = case when sums.breakdown = 'route' then 'all' else sums.breakdown_value end
left join times
    on sums.population = times.population
    and sums.breakdown = times.breakdown
    and sums.breakdown_value = times.breakdown_value
left join codes
    on sums.breakdown_value = codes.code
    and codes.list_name = case sums.breakdown
        when 'buyer_type' then 'institution_type' when 'route' then 'recovery_route' else sums.breakdown
    end
