{#- What the price is a share of: its amount, and which deals it is known of. A total claim may hold fees: it is no 未偿本息. -#}
{%- set denominators = {
    'claim': ('claim_cny', "claim_basis <> 'claim_total'"),
    'principal': ('principal_cny', 'true'),
} -%}
{%- set populations = market_populations() -%}
{%- set cell = ['population', 'denominator', 'business', 'asset_type', 'overdue_band'] -%}
with events as (

    select * from {{ ref('int_market_events') }}

),

-- A deal known by year only lies in no quarter.
deals as (

    select
        *,
        {{ quarter_number('event_date') }} as quarter_number
    from events
    where event = 'completed'
        and quarter not like '%?'
        and price_cny is not null

),

variants as (

    {% for denominator, (amount, is_known) in denominators.items() -%}
    {% set last_denominator = loop.last -%}
    {% for population, condition in populations.items() -%}
    select
        '{{ population }}' as population,
        '{{ denominator }}' as denominator,
        business,
        asset_type,
        overdue_band,
        quarter,
        quarter_number,
        price_cny,
        {{ amount }} as denominator_cny
    from deals
    where {{ amount }} > 0
        and {{ is_known }}
        and {{ condition }}
    {{ 'union all' if not (last_denominator and loop.last) }}
    {% endfor -%}
    {% endfor %}

),

sums as (

    select
        {{ cell | join(', ') }},
        quarter,
        quarter_number,
        cast(count(*) as bigint) as deal_count,
        {{ money_sum('price_cny') }} as price_cny,
        {{ money_sum('denominator_cny') }} as denominator_cny
    from variants
    group by {{ cell | join(', ') }}, quarter, quarter_number

),

-- What nobody classed is no cell of like things, and from or to a price of nothing there is no price relative.
cells as (

    select
        *,
        {{ ratio('price_cny', 'denominator_cny') }} as price_ratio,
        asset_type <> 'unknown' and overdue_band <> 'unknown' and price_cny > 0 as is_comparable
    from sums

),

matched as (

    select
        cells.*,
        coalesce(cells.is_comparable and before.is_comparable, false) as is_matched,
        before.deal_count as deal_count_before,
        before.price_cny as price_before_cny,
        before.denominator_cny as denominator_before_cny,
        before.price_ratio as price_ratio_before
    from cells
    left join cells as before
        on cells.quarter_number = before.quarter_number + 1
        {% for column in cell -%}
        and cells.{{ column }} = before.{{ column }}
        {% endfor %}

)

select
    population,
    denominator,
    quarter,
    quarter_number,
    business,
    asset_type,
    overdue_band,
    deal_count,
    price_cny,
    denominator_cny,
    price_ratio,
    is_comparable,
    is_matched,
    -- the quarter before, of a matched cell
    case when is_matched then deal_count_before end as deal_count_before,
    case when is_matched then price_before_cny end as price_before_cny,
    case when is_matched then denominator_before_cny end as denominator_before_cny,
    case when is_matched then price_ratio_before end as price_ratio_before,
    case when is_matched then price_ratio / price_ratio_before end as price_relative,
    -- each quarter's claims at the other's price
    cast(case when is_matched then price_ratio * denominator_before_cny end as decimal(28,2)) as before_at_new_price_cny,
    cast(case when is_matched then price_ratio_before * denominator_cny end as decimal(28,2)) as at_old_price_cny
from matched
