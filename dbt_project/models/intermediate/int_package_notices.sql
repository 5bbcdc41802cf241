{#- One row per package known from notices: its dates, its versions and the figures that stand for it. -#}
with notices as (

    select * from {{ ref('fct_notices') }}

),

current_notices as (

    select * from notices
    where is_current

),

versions as (

    select
        package_id,
        cast(count(*) as bigint) as version_count
    from notices
    group by package_id

),

{{ package_figures('current_notices', ['package_id']) }}

select
    figures.*,
    versions.version_count
from figures
inner join versions on figures.package_id = versions.package_id
