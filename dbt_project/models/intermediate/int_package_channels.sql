{#- One row per package: where it was offered, the size of a share when it was cut into shares, and whether it went through
    the registry (银登): `registry`, `elsewhere`, or `unknown` when neither notice nor filing says. Settlement outside the
    registry proves nothing about where a package was offered. -#}
{%- set registry_channels = var('registry_listing_channels') | join("', '") -%}
{%- set registry_platforms = var('registry_transfer_platforms') | join("', '") -%}
with notices as (

    select * from {{ ref('fct_notices') }}
    where is_current

),

transfer_rows as (

    select * from {{ ref('int_transfer_rows') }}

),

-- Notices before transfers, the notice that stands for the package first.
statements as (

    select
        package_id,
        1 as source_order,
        package_rank as row_order,
        listing_channel,
        share_size_cny,
        coalesce(is_yindeng_settled, false) or listing_channel in ('{{ registry_channels }}') as is_registry,
        listing_channel not in ('{{ registry_channels }}') as is_elsewhere
    from notices

    union all

    select
        package_id,
        2 as source_order,
        case side when 'seller' then 1 when 'buyer' then 2 else 3 end as row_order,
        listing_channel,
        share_size_cny,
        transfer_platform in ('{{ registry_platforms }}')
            or registration_platform in ('{{ registry_platforms }}')
            or listing_channel in ('{{ registry_channels }}') as is_registry,
        transfer_platform not in ('{{ registry_platforms }}')
            or registration_platform not in ('{{ registry_platforms }}')
            or listing_channel not in ('{{ registry_channels }}') as is_elsewhere
    from transfer_rows

),

ranked as (

    select
        *,
        row_number() over (
            partition by package_id, listing_channel is null order by source_order, row_order
        ) as channel_rank,
        row_number() over (
            partition by package_id, share_size_cny is null order by source_order, row_order
        ) as share_rank
    from statements

)

select
    package_id,
    max(case when channel_rank = 1 then listing_channel end) as listing_channel,
    max(case when share_rank = 1 then share_size_cny end) as share_size_cny,
    case
        when max(case when is_registry then 1 else 0 end) = 1 then 'registry'
        when max(case when is_elsewhere then 1 else 0 end) = 1 then 'elsewhere'
        else 'unknown'
    end as registry_state
from ranked
group by package_id
