-- A label of the publisher that nobody here understands would lose its point without a word.
with published as (

    select
        count(distinct period || measure || breakdown_value) as point_count
    from {{ ref('stg_reference__official_quarterly') }}
    where breakdown_dim = '逾期'

),

shown as (

    select
        count(official_price_claim_ratio) + count(official_price_principal_ratio) as point_count
    from {{ ref('price_by_overdue') }}
    where overdue_band not in ('all', 'unknown')

)

select
    published.point_count as published_count,
    shown.point_count as shown_count
from published
cross join shown
where published.point_count <> shown.point_count
    or published.point_count = 0
