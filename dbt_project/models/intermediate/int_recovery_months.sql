{#- One row per deal, month since signing and route: loans are summed away before anything is joined to a deal. The month is
    null for a deal whose month of signing is not known. -#}
with recovery_rows as (

    select * from {{ ref('int_recovery_rows') }}

)

select
    package_id,
    months_since_signing,
    route,
    {{ count_where('is_counted') }} as row_count,
    {% for amount in ['gross_cash', 'net_cash'] -%}
    {{ money_sum('case when is_counted then ' ~ amount ~ '_cny end') }} as {{ amount }}_cny,
    {% endfor -%}
    {% for cost in recovery_costs() -%}
    {{ money_sum('case when is_counted then ' ~ cost ~ '_cost_cny end') }} as {{ cost }}_cost_cny,
    {% endfor -%}
    -- cash of rows that leave out one of the costs, with a reason
    {{ money_sum(
        'case when is_counted and (' ~ (recovery_costs() | join('_cost_cny is null or ')) ~ '_cost_cny is null) then gross_cash_cny end'
    ) }} as uncosted_gross_cash_cny,
    {{ money_sum('case when is_counted then filed_growth_cny end') }} as filed_growth_cny,
    {{ money_sum('case when not is_counted then gross_cash_cny end') }} as left_out_gross_cash_cny
from recovery_rows
group by package_id, months_since_signing, route
