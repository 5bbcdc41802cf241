{#- What the notices of a package say together: CTEs that end with `figures`, one row for each value of `keys` (the package,
    or the package and a span of time) from the notices that count there. Its dates, and the figures that stand for it. -#}
{% macro package_figures(notices, keys) -%}
{%- set by = keys | join(', ') -%}
-- A coarse date never beats a day inside its period: the smallest latest possible day comes first.
ordered as (

    select
        *,
        row_number() over (
            partition by {{ by }} order by latest_announced_date, announced_date desc, filing_id, row_number
        ) as announcement_order,
        row_number() over (
            partition by {{ by }}, notice_stage
            order by latest_announced_date, announced_date desc, filing_id, row_number
        ) as stage_order,
        row_number() over (
            partition by {{ by }}, notice_stage, claim_cny is null order by package_rank
        ) as stage_claim_rank,
        row_number() over (partition by {{ by }}, claim_cny is null order by package_rank) as claim_rank,
        row_number() over (partition by {{ by }}, weighted_overdue_days is null order by package_rank) as overdue_rank,
        row_number() over (
            partition by {{ by }}, start_price_cny is null
            order by announced_date desc, source_rank, filing_id desc, row_number desc
        ) as start_price_rank
    from (
        select
            *,
            case when source_kind = 'public_notice' then 2 else 1 end as source_rank
        from {{ notices }}
    ) as with_source_rank

),

packages as (

    select
        {{ by }},
        cast(count(*) as bigint) as notice_count,
        {{ count_where('is_relisting') }} as relisting_count,
        {{ count_where("notice_stage = 'teaser'") }} as teaser_count,
        {{ count_where("notice_stage = 'listing'") }} as listing_count,
        {{ count_where("notice_stage = 'result'") }} as result_count,
        max(case when is_demo then 1 else 0 end) = 1 as is_demo,
        max(known_from) as known_from,
        -- identity and kind: what the top-ranked notice says
        max(case when package_rank = 1 then project_code end) as project_code,
        max(case when package_rank = 1 then seller_id end) as seller_id,
        max(case when package_rank = 1 then seller_name end) as seller_name,
        max(case when package_rank = 1 then seller_type end) as seller_type,
        max(case when package_rank = 1 then province_code end) as province_code,
        max(case when package_rank = 1 then package_name end) as package_name,
        max(case when package_rank = 1 then asset_type end) as asset_type,
        max(case when package_rank = 1 then business end) as business,
        -- dates
        max(case when announcement_order = 1 then announced_date end) as first_announced_date,
        max(case when announcement_order = 1 then announced_date_precision end) as first_announced_date_precision,
        max(case when notice_stage = 'teaser' and stage_order = 1 then announced_date end) as first_teased_date,
        max(case when notice_stage = 'teaser' and stage_order = 1 then announced_date_precision end)
            as first_teased_date_precision,
        max(case when notice_stage = 'listing' and stage_order = 1 then announced_date end) as earliest_listing_date,
        max(case when notice_stage = 'listing' and stage_order = 1 then announced_date_precision end)
            as earliest_listing_precision,
        max(case when notice_stage = 'listing' and stage_order = 1 then latest_announced_date end)
            as earliest_listing_latest_date,
        max(case when notice_stage = 'listing' and stage_order = 1 and is_relisting then 1 else 0 end) = 1
            as is_earliest_listing_a_relisting,
        min(first_listed_date) as stated_first_listed_date,
        -- figures: one notice whole, so that its parts tie
        max(case when claim_cny is not null and claim_rank = 1 then notice_id end) as figures_notice_id,
        {% for column in ['principal_cny', 'interest_cny', 'principal_interest_cny', 'other_fees_cny', 'claim_total_cny',
                          'claim_cny', 'claim_basis', 'loan_count', 'borrower_count', 'cutoff_date'] -%}
        max(case when claim_cny is not null and claim_rank = 1 then {{ column }} end) as {{ column }},
        {% endfor -%}
        max(case when overdue_rank = 1 then weighted_overdue_days end) as weighted_overdue_days,
        -- the start price, with the claim that the same notice prints
        max(case when start_price_rank = 1 then start_price_cny end) as start_price_cny,
        max(case when start_price_cny is not null and start_price_rank = 1 then notice_id end) as start_price_notice_id,
        max(case when start_price_cny is not null and start_price_rank = 1 then announced_date end) as start_price_date,
        max(case when start_price_cny is not null and start_price_rank = 1 then announced_date_precision end)
            as start_price_date_precision,
        max(case when start_price_cny is not null and start_price_rank = 1 then claim_cny end) as start_price_claim_cny,
        max(case when start_price_cny is not null and start_price_rank = 1 then claim_basis end) as start_price_claim_basis,
        max(case when start_price_cny is not null and start_price_rank = 1 then principal_cny end)
            as start_price_principal_cny,
        -- drift between teaser and sale notice
        max(case when notice_stage = 'teaser' and stage_claim_rank = 1 then claim_cny end) as teaser_claim_cny,
        max(case when notice_stage = 'teaser' and stage_claim_rank = 1 then claim_basis end) as teaser_claim_basis,
        max(case when notice_stage = 'listing' and stage_claim_rank = 1 then claim_cny end) as listing_claim_cny,
        max(case when notice_stage = 'listing' and stage_claim_rank = 1 then claim_basis end) as listing_claim_basis
    from ordered
    group by {{ by }}

),

figures as (

    select
        packages.*,
        -- The filer's own first date counts when it is earlier than what we saw.
        case
            when packages.listing_count = 0 then null
            when packages.stated_first_listed_date <= packages.earliest_listing_latest_date
                then packages.stated_first_listed_date
            else packages.earliest_listing_date
        end as first_listed_date,
        case
            when packages.listing_count = 0 then null
            when packages.stated_first_listed_date <= packages.earliest_listing_latest_date then 'day'
            else packages.earliest_listing_precision
        end as first_listed_date_precision,
        case
            when packages.listing_count = 0 then null
            else packages.stated_first_listed_date is not null or not packages.is_earliest_listing_a_relisting
        end as is_first_listing_observed
    from packages

)
{%- endmacro %}
