-- The ties that hold between published figures, each computed from the collected rows; a tie that finds no row fails too.
with official as (

    select * from {{ ref('stg_reference__official_quarterly') }}
    where status <> 'conflict'
        and basis = '未偿本息'

),

reconciliation as (

    select * from {{ ref('official_reconciliation') }}

),

ties as (

    select
        'four quarters of 2024 are the year' as tie,
        sum(official_value_yi) as left_side,
        cast(2258.0 as decimal(18,4)) as right_side
    from reconciliation
    where is_preferred and business = 'all' and measure = 'completed_claim'
        and period in ('2024Q1', '2024Q2', '2024Q3', '2024Q4')

    union all

    select
        'the year 2024 as published' as tie,
        max(official_value_yi) as left_side,
        cast(2258.0 as decimal(18,4)) as right_side
    from reconciliation
    where is_preferred and business = 'all' and measure = 'completed_claim' and period = '2024'

    union all

    select
        'five kinds of seller are 2025Q1' as tie,
        sum(value) as left_side,
        cast(483.0 as decimal(18,4)) as right_side
    from official
    where period = '2025Q1' and measure = '成交规模' and breakdown_dim = '出让方类型'

    union all

    select
        'there are five of them' as tie,
        cast(count(*) as decimal(18,4)) as left_side,
        cast(5 as decimal(18,4)) as right_side
    from official
    where period = '2025Q1' and measure = '成交规模' and breakdown_dim = '出让方类型'

    union all

    select
        'three businesses are 2025Q1' as tie,
        sum(official_value_yi) as left_side,
        cast(483.0 as decimal(18,4)) as right_side
    from reconciliation
    where is_preferred and business <> 'all' and measure = 'completed_claim' and period = '2025Q1'

    union all

    select
        'four years of batch personal are the cumulated figure, to one decimal' as tie,
        cast(round(sum(official_value_yi), 1) as decimal(18,4)) as left_side,
        cast(2771.8 as decimal(18,4)) as right_side
    from reconciliation
    where is_preferred and business = 'batch_personal' and measure = 'completed_claim'
        and period in ('2021', '2022', '2023', '2024')

    union all

    select
        'the cumulated figure as published' as tie,
        max(value) as left_side,
        cast(2771.8 as decimal(18,4)) as right_side
    from official
    where period = '2024-12-31' and measure = '累计成交规模'

    union all

    select
        'both scopes of 2023 are kept' as tie,
        cast(count(distinct scope) as decimal(18,4)) as left_side,
        cast(2 as decimal(18,4)) as right_side
    from reconciliation
    where period = '2023' and business = 'all' and measure = 'completed_claim'
        and official_value_yi in (1193.69, 1247.2)

    union all

    select
        'the swapped pair of 2024Q4 stays visible as printed, with its note' as tie,
        sum(printed_value_yi) as left_side,
        cast(12.1 as decimal(18,4)) as right_side
    from reconciliation
    where period = '2024Q4' and business = 'batch_personal' and status = 'corrected'
        and printed_value_yi <> official_value_yi and note is not null

)

select * from ties
where left_side is null or left_side <> right_side
