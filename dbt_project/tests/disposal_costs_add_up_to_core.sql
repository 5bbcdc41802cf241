{% set amounts = ['gross_cash', 'net_cash'] -%}
{%- for cost in recovery_costs() %}{% do amounts.append(cost ~ '_cost') %}{% endfor -%}
-- Every breakdown holds the cash and costs of the recoveries in force to the cent: core's cash is what counts and what is left
-- out, each cost stands once, and what no cost names is the rest.
with costs as (

    select * from {{ ref('disposal_costs') }}

),

core as (

    select {{ money_sum('gross_cash_cny') }} as gross_cash_cny
    from {{ ref('fct_recoveries') }}
    where is_current
        and package_id is not null

),

counted as (

    select
        {% for amount in amounts -%}
        {{ money_sum(amount ~ '_cny') }} as {{ amount }}_cny{{ ',' if not loop.last }}
        {% endfor %}
    from {{ ref('int_recovery_rows') }}
    where is_counted

),

totals as (

    select
        population,
        breakdown,
        {% for amount in amounts -%}
        sum({{ amount }}_cny) as {{ amount }}_cny,
        sum(priced_{{ amount }}_cny) as priced_{{ amount }}_cny,
        {% endfor -%}
        sum(unattributed_cost_cny) as unattributed_cost_cny,
        sum(uncosted_gross_cash_cny) as uncosted_gross_cash_cny,
        sum(left_out_gross_cash_cny) as left_out_gross_cash_cny,
        sum(dated_gross_cash_cny) as dated_gross_cash_cny,
        -- by route a deal and its price stand in each of its routes
        case when breakdown <> 'route' then sum(deal_count) end as deal_count,
        case when breakdown <> 'route' then sum(price_cny) end as price_cny
    from costs
    group by population, breakdown

),

{% set compared = ['unattributed_cost_cny', 'uncosted_gross_cash_cny', 'left_out_gross_cash_cny', 'dated_gross_cash_cny',
                   'deal_count', 'price_cny'] -%}
{%- for amount in amounts %}{% do compared.extend([amount ~ '_cny', 'priced_' ~ amount ~ '_cny']) %}{% endfor -%}
breaches as (

    select
        'core' as found,
        totals.population,
        totals.breakdown
    from totals
    cross join core
    cross join counted
    where totals.population = 'all'
        and (
            totals.gross_cash_cny + totals.left_out_gross_cash_cny <> core.gross_cash_cny
            {% for amount in amounts -%}
            or totals.{{ amount }}_cny <> counted.{{ amount }}_cny
            {% endfor %}
        )

    union all

    select
        'all' as found,
        parts.population,
        parts.breakdown
    from totals as parts
    inner join totals as whole on parts.population = whole.population and whole.breakdown = 'all'
    where {% for column in compared -%}
        parts.{{ column }} <> whole.{{ column }}{{ ' or ' if not loop.last }}
        {%- endfor %}

    union all

    select
        'remainder' as found,
        population,
        breakdown
    from costs
    where net_cash_cny + unattributed_cost_cny{% for cost in recovery_costs() %} + {{ cost }}_cost_cny{% endfor %} <> gross_cash_cny
        or priced_net_cash_cny + priced_unattributed_cost_cny
        {%- for cost in recovery_costs() %} + priced_{{ cost }}_cost_cny{% endfor %} <> priced_gross_cash_cny

    union all

    -- A breakdown that is lacking adds up to nothing, which the comparisons above would not see.
    select
        'breakdowns' as found,
        population,
        'missing' as breakdown
    from totals
    group by population
    having count(*) <> 5

    union all

    select
        'nothing' as found,
        'all' as population,
        'all' as breakdown
    from core
    where gross_cash_cny <> 0
        and not exists (select 1 from totals)

)

select * from breaches
