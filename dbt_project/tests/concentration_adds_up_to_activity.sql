-- On each side types and businesses add up to `all`, which is what was sold in the quarter; an index lies in its bounds.
with concentration as (

    select
        *,
        case when business = 'all' then 'all' else 'each' end as business_level,
        case when party_type = 'all' then 'all' else 'each' end as type_level
    from {{ ref('concentration') }}

),

levels as (

    select
        period_kind,
        side,
        business_level,
        type_level,
        period,
        sum(deal_count) as deal_count,
        sum(claim_cny) as claim_cny
    from concentration
    group by period_kind, side, business_level, type_level, period

),

sides as (

    select 'seller' as side union all
    select 'buyer' as side

),

grid as (

    select
        activity.quarter,
        sides.side,
        activity.completed_count,
        activity.completed_claim_cny
    from {{ ref('quarterly_activity') }} as activity
    cross join sides
    where activity.breakdown = 'all'
        and activity.completed_count > 0

)

select
    grid.quarter,
    grid.side
from grid
left join levels
    on grid.quarter = levels.period
    and grid.side = levels.side
    and levels.period_kind = 'quarter'
group by grid.quarter, grid.side, grid.completed_count, grid.completed_claim_cny
having count(levels.period) <> 4
    or min(levels.deal_count) <> grid.completed_count
    or max(levels.deal_count) <> grid.completed_count
    or min(levels.claim_cny) <> grid.completed_claim_cny
    or max(levels.claim_cny) <> grid.completed_claim_cny

union all

-- N institutions with a claim give at least 10000 / N, and never more than 10000.
select
    period as quarter,
    side
from concentration
where hhi > 10000 + 1e-6
    or hhi < 10000.0 / measured_institution_count - 1e-6
    or cr4_ratio < cr1_ratio
    or cr4_ratio > 1
    or (measured_institution_count <= 4 and largest_four_claim_cny <> named_claim_cny)
    or named_claim_cny + unnamed_claim_cny <> claim_cny
