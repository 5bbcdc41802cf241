-- Before any matching the index knows the same priced deals as quarterly_activity, to the cent, in all and by business: the
-- claim leaves out what is a total claim, the principal nothing.
with activity as (

    select * from {{ ref('quarterly_activity') }}
    where breakdown in ('all', 'business')
        and quarter not like '%?'

),

expected as (

    select
        'claim' as denominator,
        breakdown_value as business,
        quarter,
        priced_claim_cny - priced_claim_other_basis_cny as denominator_cny
    from activity

    union all

    select
        'principal' as denominator,
        breakdown_value as business,
        quarter,
        priced_principal_cny as denominator_cny
    from activity

),

found as (

    select * from {{ ref('price_index') }}
    where population = 'all'

)

select
    coalesce(expected.denominator, found.denominator) as denominator,
    coalesce(expected.business, found.business) as business,
    coalesce(expected.quarter, found.quarter) as quarter
from expected
full outer join found
    on expected.denominator = found.denominator
    and expected.business = found.business
    and expected.quarter = found.quarter
where coalesce(expected.denominator_cny, 0) <> coalesce(found.denominator_cny, 0)
