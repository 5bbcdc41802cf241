-- The cells over all quarters, and the packages and deals that they were made from, have the same counts and amounts.
with cells as (

    select
        sum(listed_count) as listed_count,
        sum(listed_claim_cny) as listed_claim_cny,
        sum(listed_principal_cny) as listed_principal_cny,
        sum(completed_count) as completed_count,
        sum(completed_claim_cny) as completed_claim_cny,
        sum(priced_count) as priced_count,
        sum(price_cny) as price_cny
    from {{ ref('activity_cells') }}

),

packages as (

    select
        count(*) as listed_count,
        sum(claim_cny) as listed_claim_cny,
        sum(principal_cny) as listed_principal_cny
    from {{ ref('dim_packages') }}
    where first_listed_date is not null

),

transfers as (

    select
        count(*) as completed_count,
        sum(claim_cny) as completed_claim_cny,
        count(price_cny) as priced_count,
        sum(price_cny) as price_cny
    from {{ ref('fct_transfers') }}
    where is_completed

)

select cells.*
from cells
cross join packages
cross join transfers
where {% for column in ['listed_count', 'listed_claim_cny', 'listed_principal_cny'] -%}
    coalesce(cells.{{ column }}, 0) <> coalesce(packages.{{ column }}, 0) or
    {% endfor -%}
    {% for column in ['completed_count', 'completed_claim_cny', 'priced_count', 'price_cny'] -%}
    coalesce(cells.{{ column }}, 0) <> coalesce(transfers.{{ column }}, 0){{ ' or' if not loop.last }}
    {% endfor %}
