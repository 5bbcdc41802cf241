{%- set series = ['population', 'denominator', 'business'] -%}
{%- set by_quarter = 'partition by ' ~ series | join(', ') ~ ' order by quarter_number nulls last' -%}
{%- set in_segment = 'partition by ' ~ series | join(', ') ~ ', segment order by quarter_number nulls last'
    ~ ' rows between unbounded preceding and current row' -%}
with cells as (

    select * from {{ ref('price_index_cells') }}

),

broken_down as (

    select 'all' as business_group, cells.* from cells
    union all
    select business as business_group, cells.* from cells

),

last_quarters as (

    select
        population,
        max(quarter_number) as last_quarter_number
    from cells
    group by population

),

spans as (

    select
        broken_down.population,
        broken_down.denominator,
        broken_down.business_group,
        min(broken_down.quarter_number) as first_quarter_number,
        max(last_quarters.last_quarter_number) as last_quarter_number
    from broken_down
    inner join last_quarters on broken_down.population = last_quarters.population
    group by broken_down.population, broken_down.denominator, broken_down.business_group

),

numbers as (

    {{ numbers_to_999() }}

),

-- Every quarter from a series' first deal to the last quarter seen: one without a deal is a row too.
grid as (

    select
        spans.population,
        spans.denominator,
        spans.business_group,
        spans.first_quarter_number + numbers.number as quarter_number
    from spans
    inner join numbers on spans.first_quarter_number + numbers.number <= spans.last_quarter_number

),

sums as (

    select
        grid.population,
        grid.denominator,
        grid.business_group as business,
        grid.quarter_number,
        cast(coalesce(sum(broken_down.deal_count), 0) as bigint) as deal_count,
        {{ money_sum('broken_down.price_cny') }} as price_cny,
        {{ money_sum('broken_down.denominator_cny') }} as denominator_cny,
        cast(count(broken_down.quarter_number) as bigint) as cell_count,
        {{ count_where('broken_down.is_matched') }} as matched_cell_count,
        cast(coalesce(sum(case when broken_down.is_matched then broken_down.deal_count end), 0) as bigint)
            as matched_deal_count,
        cast(coalesce(sum(broken_down.deal_count_before), 0) as bigint) as matched_deal_count_before,
        {{ money_sum('case when broken_down.is_matched then broken_down.price_cny end') }} as matched_price_cny,
        {{ money_sum('case when broken_down.is_matched then broken_down.denominator_cny end') }}
            as matched_denominator_cny,
        {{ money_sum('broken_down.price_before_cny') }} as matched_price_before_cny,
        {{ money_sum('broken_down.denominator_before_cny') }} as matched_denominator_before_cny,
        {{ money_sum('broken_down.before_at_new_price_cny') }} as before_at_new_price_cny,
        {{ money_sum('broken_down.at_old_price_cny') }} as at_old_price_cny
    from grid
    left join broken_down
        on grid.population = broken_down.population
        and grid.denominator = broken_down.denominator
        and grid.business_group = broken_down.business_group
        and grid.quarter_number = broken_down.quarter_number
    group by grid.population, grid.denominator, grid.business_group, grid.quarter_number

),

links as (

    select
        *,
        {{ ratio('price_cny', 'denominator_cny') }} as naive_ratio,
        {{ ratio('matched_denominator_cny', 'denominator_cny') }} as matched_denominator_ratio,
        nullif({{ ratio('before_at_new_price_cny', 'matched_price_before_cny') }}, 0) as laspeyres_link,
        nullif({{ ratio('matched_price_cny', 'at_old_price_cny') }}, 0) as paasche_link
    from sums

),

fisher as (

    select
        *,
        sqrt(laspeyres_link * paasche_link) as fisher_link,
        {{ ratio('matched_denominator_before_cny', 'lag(denominator_cny) over (' ~ by_quarter ~ ')') }}
            as matched_denominator_before_ratio
    from links

),

-- A base is a quarter that nothing links to what was before, while the next one links to it.
based as (

    select
        *,
        fisher_link is null and lead(fisher_link) over ({{ by_quarter }}) is not null as is_base
    from fisher

),

segmented as (

    select
        *,
        sum(case when is_base then 1 else 0 end) over (
            {{ by_quarter }} rows between unbounded preceding and current row
        ) as segment,
        is_base or fisher_link is not null as is_chained
    from based

),

chained as (

    select
        *,
        {% for formula in ['laspeyres', 'paasche', 'fisher'] -%}
        100 * exp(sum(coalesce(ln({{ formula }}_link), 0)) over ({{ in_segment }})) as {{ formula }}_chain,
        {% endfor -%}
        100 * naive_ratio / nullif(first_value(naive_ratio) over ({{ in_segment }}), 0) as naive_chain
    from segmented

)

select
    {{ series | join(', ') }},
    {{ quarter_of_number('quarter_number') }} as quarter,
    quarter_number,
    -- the index; rounded far below what it can tell, so that another engine's logarithms give the same digits
    case when is_chained then round(fisher_chain, 8) end as index_value,
    case when is_chained then round(laspeyres_chain, 8) end as laspeyres_index_value,
    case when is_chained then round(paasche_chain, 8) end as paasche_index_value,
    case when is_chained then cast(segment as bigint) end as segment,
    is_base,
    fisher_link is null and segment > case when is_base then 1 else 0 end as is_chain_broken,
    -- this quarter's link to the one before, and its parts
    fisher_link,
    laspeyres_link,
    paasche_link,
    matched_cell_count,
    matched_deal_count,
    matched_deal_count_before,
    matched_price_cny,
    matched_denominator_cny,
    matched_price_before_cny,
    matched_denominator_before_cny,
    before_at_new_price_cny,
    at_old_price_cny,
    matched_denominator_ratio,
    matched_denominator_before_ratio,
    -- all deals of the quarter, whatever their mix
    cell_count,
    deal_count,
    price_cny,
    denominator_cny,
    naive_ratio,
    case when is_chained then round(naive_chain, 8) end as naive_index_value
from chained
