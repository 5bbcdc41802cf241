-- fct_transfers tells the present, fct_transfer_versions all that was known: they must not tell two stories.
{% set columns = ['signed_date', 'price_cny', 'principal_cny', 'claim_cny', 'seller_id', 'buyer_id', 'chosen_side',
                  'seller_filing_id', 'buyer_filing_id', 'observer_filing_id', 'is_completed', 'is_demo'] -%}
select coalesce(deals.package_id, versions.package_id) as package_id
from {{ ref('fct_transfers') }} as deals
full outer join (
    select * from {{ ref('fct_transfer_versions') }}
    where known_to is null
) as versions on deals.package_id = versions.package_id
where deals.package_id is null
    or versions.package_id is null
    {% for column in columns -%}
    or deals.{{ column }} is distinct from versions.{{ column }}
    {% endfor %}
