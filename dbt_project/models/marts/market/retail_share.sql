{%- set measures = ['listed_count', 'listed_claim_cny', 'completed_count', 'completed_claim_cny'] -%}
{%- set unknowns = ['unknown_business', 'unknown_channel'] -%}
{%- set scope = ['period_kind', 'period', 'scope', 'is_demo'] -%}
with events as (

    select * from {{ ref('int_market_events') }}

),

channels as (

    select * from {{ ref('int_package_channels') }}

),

codes as (

    select * from {{ ref('stg_reference__code_lists') }}

),

official as (

    select * from {{ ref('int_official_figures') }}
    where measure = 'completed_claim'
        and official_rank = 1

),

businesses as (

    select code from codes
    where list_name = 'business'

),

segments as (

    select
        'business' as segment_kind,
        'batch_personal' as segment
    union all
    select
        'product' as segment_kind,
        code as segment
    from codes
    where list_name = 'asset_type' and parent_code = 'batch_personal'
    union all
    select
        'retail_investor' as segment_kind,
        'small_share' as segment
    union all
    select
        'retail_investor' as segment_kind,
        'supermarket' as segment

),

located as (

    select
        events.*,
        coalesce(channels.registry_state, 'unknown') as registry_state,
        coalesce(channels.listing_channel, 'unknown') as listing_channel,
        channels.share_size_cny,
        businesses.code is not null as is_official_business
    from events
    left join channels on events.package_id = channels.package_id
    left join businesses on events.business = businesses.code

),

-- The official table counts three businesses at the registry: what is known to be sold elsewhere is out of its scope.
scoped as (

    select
        located.*,
        'all' as scope
    from located
    union all
    select
        located.*,
        'official' as scope
    from located
    where is_official_business
        and registry_state <> 'elsewhere'

),

dated as (

    {{ in_periods('scoped', ['quarter', 'year']) }}

),

totals as (

    select
        {{ scope | join(', ') }},
        {% for measure in measures -%}
        {{ activity_measures()[measure] }} as all_{{ measure }},
        {% endfor -%}
        {% for event in ['listed', 'completed'] -%}
        {{ money_sum("case when event = '" ~ event ~ "' and business = 'unknown' then claim_cny end") }}
            as all_{{ event }}_unknown_business_claim_cny,
        {{ money_sum("case when event = '" ~ event ~ "' and registry_state = 'unknown' then claim_cny end") }}
            as all_{{ event }}_unknown_channel_claim_cny{{ ',' if not loop.last }}
        {% endfor %}
    from dated
    group by {{ scope | join(', ') }}

),

segmented as (

    select
        dated.*,
        segments.segment_kind,
        segments.segment
    from dated
    inner join segments
        on (segments.segment_kind = 'business' and dated.business = segments.segment)
        or (segments.segment_kind = 'product' and dated.business = 'batch_personal' and dated.asset_type = segments.segment)
        or (segments.segment = 'small_share' and dated.share_size_cny is not null)
        or (
            segments.segment = 'supermarket'
            and dated.listing_channel in ('{{ var('retail_investor_channels') | join("', '") }}')
        )

),

sums as (

    select
        {{ scope | join(', ') }},
        segment_kind,
        segment,
        {% for measure in measures -%}
        {{ activity_measures()[measure] }} as {{ measure }}{{ ',' if not loop.last }}
        {% endfor %}
    from segmented
    group by {{ scope | join(', ') }}, segment_kind, segment

),

-- Two official figures are divided only when they are of one basis.
official_shares as (

    select
        personal.period,
        case when length(personal.period) = 4 then 'year' else 'quarter' end as period_kind,
        personal.official_value as official_completed_claim_yi,
        everything.official_value as official_all_completed_claim_yi,
        personal.basis as official_basis,
        case
            when personal.status = 'published' and everything.status = 'published' then 'published'
            else 'derived'
        end as official_status
    from official as personal
    inner join official as everything
        on personal.period = everything.period
        and personal.basis = everything.basis
    where personal.business = 'batch_personal'
        and everything.business = 'all'
        and (length(personal.period) = 4 or (length(personal.period) = 6 and substr(personal.period, 5, 1) = 'Q'))

),

-- A share of nothing is a row too, and so is an official share of a period in which the warehouse saw nothing.
keys as (

    select
        {% for column in scope -%}
        totals.{{ column }},
        {% endfor -%}
        segments.segment_kind,
        segments.segment
    from totals
    cross join segments
    union
    select
        period_kind,
        period,
        'official' as scope,
        false as is_demo,
        'business' as segment_kind,
        'batch_personal' as segment
    from official_shares

)

select
    keys.period_kind,
    keys.period,
    keys.scope,
    keys.segment_kind,
    keys.segment,
    codes.zh as segment_zh,
    codes.en as segment_en,
    keys.is_demo,
    {% for measure in measures -%}
    {% set zero = 'cast(0 as ' ~ ('bigint' if measure.endswith('_count') else 'decimal(28,2)') ~ ')' -%}
    coalesce(sums.{{ measure }}, {{ zero }}) as {{ measure }},
    coalesce(totals.all_{{ measure }}, {{ zero }}) as all_{{ measure }},
    {{ ratio('coalesce(sums.' ~ measure ~ ', 0)', 'totals.all_' ~ measure) }} as {{ measure | replace('_cny', '') }}_share,
    {% endfor -%}
    {% for event in ['listed', 'completed'] -%}
    {% for unknown in unknowns -%}
    coalesce(totals.all_{{ event }}_{{ unknown }}_claim_cny, cast(0 as decimal(28,2)))
        as all_{{ event }}_{{ unknown }}_claim_cny,
    {% endfor -%}
    -- Rounded, since 0.4 is no binary fraction.
    case
        when keys.segment_kind = 'business'
            then round(
                {{ ratio('coalesce(sums.' ~ event ~ '_claim_cny, 0)', 'totals.all_' ~ event ~ '_claim_cny') }}
                - cast({{ var('retail_share_target') }} as double), 6
            )
    end as {{ event }}_claim_share_to_target,
    {% endfor -%}
    cast({{ var('retail_share_target') }} as double) as target_share,
    official_shares.official_completed_claim_yi,
    official_shares.official_all_completed_claim_yi,
    {{ ratio('official_shares.official_completed_claim_yi', 'official_shares.official_all_completed_claim_yi') }}
        as official_completed_claim_share,
    official_shares.official_basis,
    official_shares.official_status
from keys
left join totals
    on {% for column in scope %}keys.{{ column }} = totals.{{ column }}{{ ' and ' if not loop.last }}{% endfor %}
left join sums
    on {% for column in scope %}keys.{{ column }} = sums.{{ column }} and {% endfor %}keys.segment_kind = sums.segment_kind
    and keys.segment = sums.segment
left join official_shares
    on keys.scope = 'official'
    and keys.segment_kind = 'business'
    and not keys.is_demo
    and keys.period_kind = official_shares.period_kind
    and keys.period = official_shares.period
left join codes
    on keys.segment = codes.code
    and codes.list_name = case keys.segment_kind when 'business' then 'business' when 'product' then 'asset_type' end
