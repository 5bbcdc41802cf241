{% set cash = ['gross_cash_cny', 'net_cash_cny', 'cumulative_gross_cash_cny', 'cumulative_net_cash_cny',
                'filed_cumulative_gross_cash_cny', 'cumulative_difference_cny', 'cumulative_gross_cash_with_price_cny',
                'cumulative_net_cash_with_price_cny'] -%}
{%- set of_deals = ['at_risk_deal_count', 'gap_deal_count', 'deal_with_gap_so_far_count', 'zero_cash_deal_count',
                    'final_deal_count', 'at_risk_principal_cny', 'at_risk_claim_cny', 'at_risk_price_cny'] -%}
-- Routes and businesses add up to `all`, the months of all deals to the cash in force, and who is at risk only ever gets fewer.
with curves as (

    select * from {{ ref('recovery_curves') }}

),

core as (

    select
        {{ money_sum('gross_cash_cny') }} as gross_cash_cny,
        {{ money_sum('net_cash_cny') }} as net_cash_cny
    from {{ ref('int_recovery_rows') }}
    where is_counted
        and months_since_signing is not null

),

totals as (

    select
        {{ money_sum('gross_cash_cny') }} as gross_cash_cny,
        {{ money_sum('net_cash_cny') }} as net_cash_cny
    from curves
    where population = 'all'
        and business = 'all'
        and route = 'all'

),

{% for dimension, others, columns, condition in [
    ('route', ['business'], cash, 'true'),
    ('business', ['route'], cash + of_deals, "route = 'all'"),
] -%}
by_{{ dimension }} as (

    select
        population,
        vintage,
        {{ others[0] }},
        months_since_signing
    from curves
    where {{ condition }}
    group by population, vintage, {{ others[0] }}, months_since_signing
    having {% for column in columns -%}
        sum(case when {{ dimension }} = 'all' then {{ column }} else 0 end)
        <> sum(case when {{ dimension }} <> 'all' then {{ column }} else 0 end){{ ' or ' if not loop.last }}
        {%- endfor %}

),

{% endfor -%}
steps as (

    select
        *,
        lag(months_since_signing) over (
            partition by population, vintage, business, route order by months_since_signing nulls last
        ) as month_before,
        lag(at_risk_deal_count) over (
            partition by population, vintage, business, route order by months_since_signing nulls last
        ) as at_risk_before_count
    from curves

),

breaches as (

    select 'routes' as found, vintage, months_since_signing from by_route
    union all
    select 'businesses' as found, vintage, months_since_signing from by_business
    union all
    -- from month 0 with all that filed, without a hole, and with fewer and fewer
    select 'at risk' as found, vintage, months_since_signing
    from steps
    where months_since_signing <> coalesce(month_before + 1, 0)
        or at_risk_deal_count > coalesce(at_risk_before_count, filed_deal_count)
        or (month_before is null and at_risk_deal_count <> filed_deal_count)
        or filed_deal_count > deal_count
        or gap_deal_count + zero_cash_deal_count > at_risk_deal_count
        or gap_deal_count > deal_with_gap_so_far_count
    union all
    select 'core' as found, cast(null as {{ dbt.type_string() }}) as vintage, cast(null as bigint) as months_since_signing
    from core
    cross join totals
    where core.gross_cash_cny <> totals.gross_cash_cny
        or core.net_cash_cny <> totals.net_cash_cny

)

select * from breaches
