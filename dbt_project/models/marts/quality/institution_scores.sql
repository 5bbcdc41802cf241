{%- set components = ['timeliness', 'completeness', 'first_time', 'warnings', 'agreement'] -%}
with timeliness as (

    select * from {{ ref('timeliness') }}

),

completeness as (

    select * from {{ ref('completeness') }}

),

filings as (

    select * from {{ ref('stg_operations__filings') }}
    where institution_id = subject_id and period is not null

),

warnings as (

    select * from {{ ref('stg_operations__warnings') }}

),

transfers as (

    select * from {{ ref('fct_transfers') }}

),

parameters as (

    select
        {% for component in components -%}
        {{ parameter_value('score_weight_' ~ component, 'double') }},
        {% endfor -%}
        {{ parameter_value('score_least_weight', 'double') }},
        {{ parameter_value('score_least_obligations', 'bigint') }}
    from {{ ref('stg_reference__parameters') }}

),

-- Whoever owed something in a quarter has a row, also when it filed nothing.
scored_timeliness as (

    select
        institution_id,
        max(institution_name) as institution_name,
        max(institution_type) as institution_type,
        quarter,
        {{ count_where('is_assessed and is_on_time') }} as numerator,
        {{ count_where('is_assessed') }} as denominator,
        {{ count_where("status = 'missing'") }} as missing_count,
        max(as_of_at) as as_of_at,
        {{ count_where('is_demo') }} > 0 as is_demo
    from timeliness
    group by institution_id, quarter

),

filed_quarters as (

    select
        filing_id,
        institution_id,
        period,
        sequence,
        kind,
        verdict,
        is_in_force,
        received_at,
        {{ quarter_text(period_end('period'), "'day'") }} as quarter
    from filings

),

scored_completeness as (

    select
        filed_quarters.institution_id,
        filed_quarters.quarter,
        cast(
            sum(
                completeness.asked_count - completeness.nd1_count - completeness.nd2_4_count
                - completeness.unexplained_count
            ) as bigint
        ) as numerator,
        cast(sum(completeness.asked_count) as bigint) as denominator,
        cast(sum(completeness.nd1_count + completeness.unexplained_count) as bigint) as not_collected_count,
        cast(sum(completeness.nd2_4_count) as bigint) as nd2_4_count
    from completeness
    inner join filed_quarters on completeness.filing_id = filed_quarters.filing_id
    -- a field that allows no reason for a missing value is no part of any sum
    where filed_quarters.is_in_force and completeness.asked_count > 0
    group by filed_quarters.institution_id, filed_quarters.quarter

),

-- The first try at each original: what was returned and filed again under its number was not accepted at first.
tries as (

    select
        filed_quarters.*,
        row_number() over (
            partition by institution_id, period, sequence
            order by received_at, filing_id
        ) as try_number
    from filed_quarters
    where kind = 'original' and verdict in ('accepted', 'accepted_with_holds', 'rejected')

),

scored_first_time as (

    select
        institution_id,
        quarter,
        {{ count_where("verdict <> 'rejected'") }} as numerator,
        cast(count(*) as bigint) as denominator
    from tries
    where try_number = 1
    group by institution_id, quarter

),

scored_warnings as (

    select
        filed_quarters.institution_id,
        filed_quarters.quarter,
        cast(sum(warnings.answered_count) as bigint) as numerator,
        cast(sum(warnings.warning_count) as bigint) as denominator
    from warnings
    inner join filed_quarters on warnings.filing_id = filed_quarters.filing_id
    where filed_quarters.is_in_force
    group by filed_quarters.institution_id, filed_quarters.quarter

),

sides as (

    select seller_id as institution_id, signed_quarter as quarter, reconciliation_status from transfers
    union all
    select buyer_id as institution_id, signed_quarter as quarter, reconciliation_status from transfers

),

scored_agreement as (

    select
        institution_id,
        quarter,
        {{ count_where("reconciliation_status = 'agreed'") }} as numerator,
        cast(count(*) as bigint) as denominator
    from sides
    where institution_id is not null and reconciliation_status in ('agreed', 'disputed')
    group by institution_id, quarter

),

joined as (

    select
        scored_timeliness.institution_id,
        scored_timeliness.institution_name,
        scored_timeliness.institution_type,
        scored_timeliness.quarter,
        scored_timeliness.as_of_at,
        scored_timeliness.missing_count,
        scored_timeliness.is_demo,
        {% for component in components -%}
        coalesce(scored_{{ component }}.numerator, cast(0 as bigint)) as {{ component }}_numerator,
        coalesce(scored_{{ component }}.denominator, cast(0 as bigint)) as {{ component }}_denominator,
        {{ ratio('scored_' ~ component ~ '.numerator', 'scored_' ~ component ~ '.denominator') }}
            as {{ component }}_ratio,
        parameters.score_weight_{{ component }} as {{ component }}_weight,
        {% endfor -%}
        {{ completeness_score(
            'scored_completeness.not_collected_count', 'scored_completeness.nd2_4_count',
            'scored_completeness.denominator'
        ) }} as completeness_score,
        parameters.score_least_weight,
        parameters.score_least_obligations
    from scored_timeliness
    cross join parameters
    {% for component in components[1:] -%}
    left join scored_{{ component }}
        on scored_timeliness.institution_id = scored_{{ component }}.institution_id
        and scored_timeliness.quarter = scored_{{ component }}.quarter
    {% endfor %}
),

-- A component that nobody can assess gives its weight to the others, in the open.
weighted as (

    select
        joined.*,
        {% for component in components -%}
        case when {{ component }}_ratio is null then 0 else {{ component }}_weight end
        {%- if not loop.last %} + {% endif %}
        {%- endfor %} as assessed_weight,
        {% for component in components -%}
        coalesce({{ component }}_weight * {{ component }}_ratio, 0) {%- if not loop.last %} + {% endif %}
        {%- endfor %} as weighted_sum
    from joined

),

stated as (

    select
        weighted.*,
        case
            when timeliness_denominator < score_least_obligations then 'too_few_obligations'
            -- sums of binary fractions: half of all is not missed by a rounding
            when assessed_weight < score_least_weight - 0.000001 then 'too_little_assessed'
            else 'scored'
        end as score_state
    from weighted

)

select
    institution_id,
    institution_name,
    institution_type,
    quarter,
    as_of_at,
    score_state,
    case when score_state = 'scored' then round(100 * weighted_sum / assessed_weight, 2) end as score,
    assessed_weight,
    {% for component in components -%}
    {{ component }}_numerator,
    {{ component }}_denominator,
    {{ component }}_ratio,
    {{ component }}_weight,
    {% endfor -%}
    completeness_score,
    missing_count,
    is_demo
from stated
