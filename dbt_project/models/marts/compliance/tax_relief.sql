with returns as (

    {{ compliance_rows(['tax_relief']) }}

),

recoveries as (

    select * from {{ ref('fct_recoveries') }}
    where is_current

),

-- The same institution's relief in its recoveries of the same months; null where it filed none of these months.
in_recoveries as (

    select
        returns.filing_id,
        returns.row_number,
        cast(count(distinct recoveries.month) as bigint) as recovery_month_count,
        {{ money_sum('recoveries.tax_relief_claimed_cny') }} as recovery_tax_relief_cny
    from returns
    inner join recoveries
        on returns.institution_id = recoveries.holder_id
        and recoveries.month between returns.period_start_date and returns.period_end_date
    group by returns.filing_id, returns.row_number

)

select
    {{ compliance_identity('returns') }},
    returns.subject_key,
    returns.tax_relief_claimed_cny,
    returns.tax_relief_project_count,
    coalesce(in_recoveries.recovery_month_count, 0) as recovery_month_count,
    in_recoveries.recovery_tax_relief_cny,
    cast(returns.tax_relief_claimed_cny - in_recoveries.recovery_tax_relief_cny as decimal(28,2)) as relief_gap_cny,
    returns.is_demo
from returns
left join in_recoveries
    on returns.filing_id = in_recoveries.filing_id
    and returns.row_number = in_recoveries.row_number
