{#- One row per recovery in force of a known deal, with its month since signing and whether it counts. -#}
with recoveries as (

    select * from {{ ref('fct_recoveries') }}
    where is_current
        and package_id is not null

),

deals as (

    select * from {{ ref('fct_transfers') }}

),

-- A project and month is filed in total or loan by loan, never both. Within one filing a rule sees to it; where two filings
-- did it differently, the form that was filed last counts, or the same cash would count twice.
forms as (

    select
        package_id,
        month,
        max(case when loan_key is null then known_from end) as total_known_from,
        max(case when loan_key is not null then known_from end) as loans_known_from
    from recoveries
    group by package_id, month

),

judged as (

    select
        recoveries.package_id,
        recoveries.loan_key,
        recoveries.month,
        recoveries.route,
        recoveries.gross_cash_cny,
        recoveries.net_cash_cny,
        {% for cost in recovery_costs() -%}
        recoveries.{{ cost }}_cost_cny,
        {% endfor -%}
        recoveries.cumulative_gross_cash_cny,
        coalesce(recoveries.is_final, false) as is_final,
        recoveries.is_demo,
        recoveries.filing_id,
        recoveries.row_number,
        -- A date known by year has no month. A notice's date that stands in for the signing may lie after the first cash:
        -- that month is then the first.
        case
            when deals.signed_date_precision = 'year' then null
            when recoveries.month < deals.signed_date then cast(0 as bigint)
            else {{ months_from('deals.signed_date', 'recoveries.month') }}
        end as months_since_signing,
        case
            when recoveries.loan_key is null
                then forms.loans_known_from is null or forms.total_known_from >= forms.loans_known_from
            else forms.total_known_from is null or forms.loans_known_from > forms.total_known_from
        end as is_counted
    from recoveries
    inner join deals on recoveries.package_id = deals.package_id
    inner join forms on recoveries.package_id = forms.package_id and recoveries.month = forms.month

)

-- The cumulative cash as filed is a state of a series: by how much it grew can be summed.
select
    *,
    cumulative_gross_cash_cny - coalesce(
        lag(cumulative_gross_cash_cny) over (
            partition by package_id, loan_key, route, is_counted
            order by month nulls last, filing_id, row_number
        ), 0
    ) as filed_growth_cny
from judged
