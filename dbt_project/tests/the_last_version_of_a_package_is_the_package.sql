-- dim_packages tells the present, dim_package_versions all that was known: they must not tell two stories of the notices.
{% set columns = ['project_code', 'seller_id', 'asset_type', 'first_announced_date', 'first_teased_date', 'first_listed_date',
                  'first_listed_date_precision', 'is_first_listing_observed', 'notice_count', 'teaser_count',
                  'listing_count', 'relisting_count', 'figures_notice_id', 'principal_cny', 'claim_cny', 'claim_basis',
                  'loan_count', 'weighted_overdue_days', 'start_price_cny', 'start_price_notice_id'] -%}
select coalesce(packages.package_id, versions.package_id) as package_id
from (
    select * from {{ ref('dim_packages') }}
    where notice_count > 0
) as packages
full outer join (
    select * from {{ ref('dim_package_versions') }}
    where known_to is null
) as versions on packages.package_id = versions.package_id
where packages.package_id is null
    or versions.package_id is null
    {% for column in columns -%}
    or packages.{{ column }} is distinct from versions.{{ column }}
    {% endfor %}
