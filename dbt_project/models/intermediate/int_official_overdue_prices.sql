{#- Official rates by overdue band, as ratios 0-1: the published points (`1年以下(批量个人)`) and, as band `all`, the rates of
    the official table. One row per period, measure, business and band. -#}
with official as (

    select * from {{ ref('stg_reference__official_quarterly') }}
    where breakdown_dim = '逾期'

),

figures as (

    select * from {{ ref('int_official_figures') }}
    where official_rank = 1

),

businesses as (

    select * from {{ ref('stg_reference__code_lists') }}
    where list_name = 'business'

),

points as (

    select
        official.period,
        case official.measure
            when '平均折扣率' then 'discount_ratio'
            when '平均本金回收率' then 'principal_recovery_ratio'
        end as measure,
        businesses.code as business,
        case substr(official.breakdown_value, 1, length(official.breakdown_value) - length(businesses.zh) - 2)
            when '1年以下' then 'under_1_year'
            when '1-2年' then '1_to_2_years'
            when '2-3年' then '2_to_3_years'
            when '3-4年' then '3_to_4_years'
            when '4-5年' then '4_to_5_years'
            when '5年以上' then 'over_5_years'
        end as overdue_band,
        official.value as rate_pct,
        official.status,
        official.source_url
    from official
    inner join businesses on official.breakdown_value like '%(' || businesses.zh || ')'

    union all

    select
        period,
        measure,
        business,
        'all' as overdue_band,
        official_value as rate_pct,
        status,
        source_url
    from figures
    where measure in ('discount_ratio', 'principal_recovery_ratio')

),

ranked as (

    select
        *,
        row_number() over (
            partition by period, measure, business, overdue_band
            order by
                case status when 'published' then 1 when 'corrected' then 2 when 'derived' then 3 else 4 end,
                source_url,
                rate_pct
        ) as point_rank
    from points

)

select
    period,
    case when length(period) = 4 then 'year' else 'quarter' end as period_kind,
    measure,
    business,
    overdue_band,
    cast(rate_pct as double) / 100 as rate,
    status,
    source_url
from ranked
where point_rank = 1
    and (length(period) = 4 or (length(period) = 6 and substr(period, 5, 1) = 'Q'))
