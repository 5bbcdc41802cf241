-- Packages with a first listing date, and the listed count over all quarters, are the same number.
select
    packages.package_count,
    activity.listed_count
from (
    select count(*) as package_count from {{ ref('dim_packages') }}
    where first_listed_date is not null
) as packages
cross join (
    select coalesce(sum(listed_count), 0) as listed_count from {{ ref('quarterly_activity') }}
    where breakdown = 'all'
) as activity
where packages.package_count <> activity.listed_count
