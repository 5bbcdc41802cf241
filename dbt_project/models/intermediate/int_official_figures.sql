{#- Official figures by period, measure and business in our measures' names; every scope kept, the best ranked 1. -#}
with official as (

    select * from {{ ref('stg_reference__official_quarterly') }}

),

businesses as (

    select * from {{ ref('stg_reference__code_lists') }}
    where list_name = 'business'

),

named as (

    select
        official.period,
        case
            when official.measure = '挂牌单数' then 'listed_count'
            when official.measure = '挂牌规模' and official.basis = '未偿本息' then 'listed_claim'
            when official.measure in ('挂牌规模', '挂牌本金') and official.basis = '未偿本金' then 'listed_principal'
            when official.measure = '成交单数' then 'completed_count'
            when official.measure = '成交规模' and official.basis in ('未偿本息', '本息费') then 'completed_claim'
            when official.measure = '成交规模' and official.basis = '未偿本金' then 'completed_principal'
            when official.measure = '转让价格' then 'price'
            when official.measure = '平均折扣率' then 'discount_ratio'
            when official.measure = '平均本金回收率' then 'principal_recovery_ratio'
        end as measure,
        case when official.breakdown_value = '全部业务' then 'all' else businesses.code end as business,
        official.basis,
        official.value as printed_value,
        official.unit,
        official.status as printed_status,
        official.source_kind as scope,
        official.source_url,
        official.note
    from official
    left join businesses on official.breakdown_value = businesses.zh
    where official.breakdown_dim = '业务'

),

-- A recovery on principal can never be below the discount on principal and interest: a pair printed so was swapped.
swapped as (

    select
        discounts.period,
        discounts.business,
        discounts.source_url,
        discounts.printed_value as printed_discount,
        recoveries.printed_value as printed_recovery
    from named as discounts
    inner join named as recoveries
        on discounts.period = recoveries.period
        and discounts.business = recoveries.business
        and discounts.source_url = recoveries.source_url
    where discounts.measure = 'discount_ratio'
        and recoveries.measure = 'principal_recovery_ratio'
        and recoveries.printed_value < discounts.printed_value

),

corrected as (

    select
        named.period,
        named.measure,
        named.business,
        named.basis,
        case
            when swapped.period is null then named.printed_value
            when named.measure = 'discount_ratio' then swapped.printed_recovery
            else swapped.printed_discount
        end as official_value,
        named.printed_value,
        named.unit,
        case when swapped.period is null then named.printed_status else 'corrected' end as status,
        named.scope,
        named.source_url,
        named.note
    from named
    left join swapped
        on named.period = swapped.period
        and named.business = swapped.business
        and named.source_url = swapped.source_url
        and named.measure in ('discount_ratio', 'principal_recovery_ratio')
    where named.measure is not null
        and named.business is not null

),

-- The same number printed by two sources is one figure.
deduplicated as (

    select
        *,
        row_number() over (
            partition by period, measure, business, coalesce(basis, ''), official_value
            order by case status when 'published' then 1 when 'corrected' then 2 when 'derived' then 3 else 4 end,
                source_url
        ) as repetition
    from corrected

),

figures as (

    select
        period,
        measure,
        business,
        basis,
        official_value,
        printed_value,
        unit,
        status,
        scope,
        source_url,
        note
    from deduplicated
    where repetition = 1

),

-- A year with three known quarters gives the fourth.
quarter_numbers as (

    select 'Q1' as quarter_number union all
    select 'Q2' as quarter_number union all
    select 'Q3' as quarter_number union all
    select 'Q4' as quarter_number

),

known_quarters as (

    select distinct
        period,
        substr(period, 1, 4) as year_text,
        measure,
        business,
        basis,
        official_value
    from figures
    where length(period) = 6
        and substr(period, 5, 1) = 'Q'
        and status <> 'conflict'
        and basis = '未偿本息'

),

three_quarters as (

    select
        years.period as year_text,
        years.measure,
        years.business,
        years.basis,
        years.unit,
        years.source_url,
        years.official_value - sum(known_quarters.official_value) as rest_value
    from figures as years
    inner join known_quarters
        on years.period = known_quarters.year_text
        and years.measure = known_quarters.measure
        and years.business = known_quarters.business
        and years.basis = known_quarters.basis
    where length(years.period) = 4
        and years.status = 'published'
    group by
        years.period, years.measure, years.business, years.basis, years.unit, years.source_url, years.official_value
    having count(*) = 3 and count(distinct known_quarters.period) = 3

),

fourth_quarters as (

    select
        three_quarters.year_text || quarter_numbers.quarter_number as period,
        three_quarters.measure,
        three_quarters.business,
        three_quarters.basis,
        cast(three_quarters.rest_value as decimal(18,4)) as official_value,
        cast(null as decimal(18,4)) as printed_value,
        three_quarters.unit,
        'derived' as status,
        'year less three quarters' as scope,
        three_quarters.source_url,
        'annual figure less the three quarters known' as note
    from three_quarters
    cross join quarter_numbers
    left join known_quarters
        on three_quarters.year_text || quarter_numbers.quarter_number = known_quarters.period
        and three_quarters.measure = known_quarters.measure
        and three_quarters.business = known_quarters.business
    where known_quarters.period is null

),

everything as (

    select * from figures
    union all
    select * from fourth_quarters

)

select
    *,
    row_number() over (
        partition by period, measure, business
        order by
            case status when 'published' then 1 when 'corrected' then 2 when 'derived' then 3 else 4 end,
            case coalesce(basis, '') when '未偿本息' then 1 when '本息费' then 2 else 3 end,
            source_url,
            official_value
    ) as official_rank
from everything
