-- Every breakdown splits the same events: its values add up to `all` in every quarter.
with activity as (

    select * from {{ ref('quarterly_activity') }}

),

{% set columns = ['listed_count', 'listed_claim_cny', 'listed_without_claim_count', 'listed_claim_other_basis_cny',
                  'first_listing_unobserved_count', 'teaser_only_count', 'teaser_only_claim_cny', 'completed_count',
                  'completed_claim_cny', 'completed_without_claim_count', 'completed_principal_cny', 'priced_count',
                  'price_cny', 'discount_price_cny', 'priced_claim_cny', 'priced_claim_other_basis_cny',
                  'recovery_price_cny', 'priced_principal_cny', 'demo_count', 'demo_listed_count',
                  'demo_listed_claim_cny', 'demo_completed_count', 'demo_completed_claim_cny'] -%}
totals as (

    select
        quarter,
        breakdown,
        {% for column in columns -%}
        sum({{ column }}) as {{ column }}{{ ',' if not loop.last }}
        {% endfor %}
    from activity
    group by quarter, breakdown

)

select
    parts.quarter,
    parts.breakdown
from totals as parts
inner join totals as whole on parts.quarter = whole.quarter and whole.breakdown = 'all'
where parts.breakdown <> 'all'
    and (
        {% for column in columns -%}
        parts.{{ column }} <> whole.{{ column }}{{ ' or' if not loop.last }}
        {% endfor %}
    )

union all

-- A breakdown that lacks a whole quarter adds up to nothing, which the comparison above would not see.
select
    quarter,
    'missing' as breakdown
from totals
group by quarter
having count(*) <> 7
