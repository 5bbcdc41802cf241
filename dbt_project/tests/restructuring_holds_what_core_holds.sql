{{ config(tags=['whole']) }}
-- Each theme adds up to what core holds of it in the quarter, reckoned another way; a theme that lacks a quarter shows too.
with found as (

    select
        theme,
        quarter,
        sum(unit_count) as unit_count,
        sum(amount_cny) as amount_cny
    from {{ ref('restructuring') }}
    group by theme, quarter

),

loans as (

    select
        'loan_state' as theme,
        {{ quarter_or_unknown('cutoff_date') }} as quarter,
        count(distinct loan_number) as unit_count,
        cast(null as decimal(28,2)) as amount_cny
    from {{ ref('fct_loans') }}
    where is_current
    group by 2

),

deals as (

    select
        'debt_to_equity_deals' as theme,
        quarter,
        completed_count as unit_count,
        completed_claim_cny as amount_cny
    from {{ ref('quarterly_activity') }}
    where breakdown = 'all' and completed_count > 0

),

recoveries as (

    select
        'recovered_cash' as theme,
        {{ quarter_or_unknown('month') }} as quarter,
        cast(null as bigint) as unit_count,
        sum(gross_cash_cny) as amount_cny
    from {{ ref('fct_recoveries') }}
    where is_current and gross_cash_cny <> 0
    group by 2

    union all

    select
        'tax_relief' as theme,
        {{ quarter_or_unknown('month') }} as quarter,
        cast(null as bigint) as unit_count,
        sum(tax_relief_claimed_cny) as amount_cny
    from {{ ref('fct_recoveries') }}
    where is_current and tax_relief_claimed_cny <> 0
    group by 2

),

-- The same loans, and the same value, seen in two ways.
twins as (

    select 'baojiaolou_loans' as theme, quarter, unit_count, amount_cny from found where theme = 'loan_state'
    union all
    select 'recovered_form' as theme, quarter, cast(null as bigint) as unit_count, amount_cny
    from found where theme = 'recovered_value'

),

expected as (

    select * from loans
    union all
    select * from deals
    union all
    select * from recoveries
    union all
    select * from twins

)

select
    expected.theme,
    expected.quarter,
    expected.unit_count,
    found.unit_count as found_unit_count,
    expected.amount_cny,
    found.amount_cny as found_amount_cny
from expected
left join found on expected.theme = found.theme and expected.quarter = found.quarter
where found.theme is null
    or expected.unit_count <> found.unit_count
    or expected.amount_cny <> coalesce(found.amount_cny, 0)
