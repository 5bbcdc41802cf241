with periods as (

    select * from {{ ref('int_reconciliation_periods') }}

),

official as (

    select * from {{ ref('int_official_figures') }}

),

-- Invented institutions never cover a real figure.
events as (

    select * from {{ ref('int_market_events') }}
    where not is_demo

),

by_business as (

    select 'all' as business_group, events.* from events
    union all
    select business as business_group, events.* from events

),

-- A complete grid: a period in which nothing was seen is a row too.
grid as (

    select
        periods.period,
        periods.period_start,
        periods.period_end,
        business_groups.business_group
    from periods
    cross join (
        select 'all' as business_group
        union
        select business as business_group from events
        union
        select business as business_group from official
    ) as business_groups

),

-- An event counts in a period when it lies in it whatever its day was: one known by year counts in years only.
sums as (

    select
        grid.period,
        grid.business_group as business,
        {% for measure in ['listed_count', 'listed_claim_cny', 'listed_principal_cny', 'completed_count', 'completed_claim_cny',
                          'completed_principal_cny', 'price_cny', 'discount_price_cny', 'priced_claim_cny',
                          'recovery_price_cny', 'priced_principal_cny'] -%}
        {{ activity_measures()[measure] }} as {{ measure | replace('_cny', '') }}{{ ',' if not loop.last }}
        {% endfor %}
    from grid
    left join by_business
        on grid.business_group = by_business.business_group
        and by_business.event_date >= grid.period_start
        and by_business.latest_event_date <= grid.period_end
    group by grid.period, grid.business_group

),

{% set amounts = ['listed_claim', 'listed_principal', 'completed_claim', 'completed_principal', 'price'] -%}
{% set ratios = {'discount_ratio': ('discount_price', 'priced_claim'),
                 'principal_recovery_ratio': ('recovery_price', 'priced_principal')} -%}
warehouse as (

    {% for measure in ['listed_count', 'completed_count'] -%}
    select period, business, '{{ measure }}' as measure, '单' as unit, cast({{ measure }} as double) as warehouse_value
    from sums
    union all
    {% endfor -%}
    {% for measure in amounts -%}
    select period, business, '{{ measure }}' as measure, '亿元' as unit, cast({{ measure }} as double) / 1e8 as warehouse_value
    from sums
    union all
    {% endfor -%}
    {% for measure, parts in ratios.items() -%}
    select period, business, '{{ measure }}' as measure, '%' as unit, 100 * {{ ratio(*parts) }} as warehouse_value
    from sums
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

-- Quarters and years after the publisher stopped, and figures it never published, stand with an empty official value.
unpublished as (

    select
        warehouse.period,
        warehouse.measure,
        warehouse.business,
        warehouse.unit
    from warehouse
    inner join periods on warehouse.period = periods.period
    left join official
        on warehouse.period = official.period
        and warehouse.measure = official.measure
        and warehouse.business = official.business
    where official.period is null
        and periods.period_kind in ('quarter', 'year')

),

figures as (

    select
        period,
        measure,
        business,
        official_rank,
        basis,
        scope,
        official_value,
        printed_value,
        unit,
        status,
        source_url,
        note
    from official

    union all

    select
        period,
        measure,
        business,
        1 as official_rank,
        cast(null as {{ dbt.type_string() }}) as basis,
        cast(null as {{ dbt.type_string() }}) as scope,
        cast(null as decimal(18,4)) as official_value,
        cast(null as decimal(18,4)) as printed_value,
        unit,
        'not_published' as status,
        cast(null as {{ dbt.type_string() }}) as source_url,
        cast(null as {{ dbt.type_string() }}) as note
    from unpublished

)

select
    figures.period,
    periods.period_kind,
    periods.period_start,
    periods.period_end,
    figures.measure,
    figures.business,
    cast(figures.official_rank as bigint) as official_rank,
    figures.official_rank = 1 as is_preferred,
    cast(figures.official_value as decimal(18,4)) as official_value_yi,
    cast(figures.printed_value as decimal(18,4)) as printed_value_yi,
    figures.unit,
    figures.status,
    figures.basis,
    figures.scope,
    warehouse.warehouse_value,
    case
        when figures.measure not in ('discount_ratio', 'principal_recovery_ratio')
            then 100 * {{ ratio('warehouse.warehouse_value', 'figures.official_value') }}
    end as coverage_pct,
    case
        when figures.measure in ('discount_ratio', 'principal_recovery_ratio')
            then warehouse.warehouse_value - cast(figures.official_value as double)
    end as difference_percentage_points,
    figures.source_url,
    figures.note
from figures
inner join periods on figures.period = periods.period
inner join warehouse
    on figures.period = warehouse.period
    and figures.measure = warehouse.measure
    and figures.business = warehouse.business
