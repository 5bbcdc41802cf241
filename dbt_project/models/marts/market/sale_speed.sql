{%- set horizons = [90, 180] -%}
with spans as (

    select * from {{ ref('int_sale_spans') }}

),

codes as (

    select * from {{ ref('stg_reference__code_lists') }}

),

-- Whether a package was still unsold N days after its first listing can be said of those listed more than N days ago.
followed as (

    select
        *,
        span in ('listing_to_signing', 'listing_to_as_of') as is_from_listing,
        {% for horizon in horizons -%}
        span in ('listing_to_signing', 'listing_to_as_of')
            and span_state in ('exact', 'censored')
            and coalesce(days_to_present > {{ horizon }}, false) as is_followed_{{ horizon }}{{ ',' if not loop.last }}
        {% endfor %}
    from spans

),

broken_down as (

    {% for breakdown in ['all', 'business', 'seller_type', 'asset_type'] -%}
    select
        followed.*,
        '{{ breakdown }}' as breakdown,
        {{ "'all'" if breakdown == 'all' else breakdown }} as breakdown_value
    from followed
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

sums as (

    select
        cohort,
        quarter,
        breakdown,
        breakdown_value,
        span,
        is_demo,
        max(as_of_date) as as_of_date,
        max(case when is_from_listing then 1 else 0 end) = 1 as is_from_listing,
        cast(count(*) as bigint) as package_count,
        {{ count_where('is_relisted') }} as relisted_count,
        {% for state in ['exact', 'inexact', 'missing', 'reversed', 'censored'] -%}
        {{ count_where("span_state = '" ~ state ~ "'") }} as {{ state }}_count,
        {% endfor -%}
        cast(coalesce(sum(days), 0) as bigint) as days_sum,
        {% for name, fraction in [('p25', 0.25), ('median', 0.5), ('p75', 0.75)] -%}
        {{ quantile('days', fraction) }} as days_{{ name }},
        {% endfor -%}
        cast(max(days) as bigint) as days_max,
        {% for horizon in horizons -%}
        {{ count_where('is_followed_' ~ horizon) }} as followed_{{ horizon }}_days_count,
        {{ count_where('is_followed_' ~ horizon ~ ' and coalesce(days, days_to_present) > ' ~ horizon) }}
            as unsold_after_{{ horizon }}_days_count{{ ',' if not loop.last }}
        {% endfor %}
    from broken_down
    group by cohort, quarter, breakdown, breakdown_value, span, is_demo

)

select
    sums.cohort,
    sums.quarter,
    sums.breakdown,
    sums.breakdown_value,
    codes.zh as breakdown_value_zh,
    codes.en as breakdown_value_en,
    sums.span,
    sums.is_demo,
    sums.as_of_date,
    sums.package_count,
    sums.relisted_count,
    sums.exact_count,
    sums.inexact_count,
    sums.missing_count,
    sums.reversed_count,
    sums.censored_count,
    sums.days_sum,
    sums.days_p25,
    sums.days_median,
    sums.days_p75,
    sums.days_max,
    {% for horizon in horizons -%}
    case when sums.is_from_listing then sums.followed_{{ horizon }}_days_count end as followed_{{ horizon }}_days_count,
    case when sums.is_from_listing then sums.unsold_after_{{ horizon }}_days_count end
        as unsold_after_{{ horizon }}_days_count,
    case
        when sums.is_from_listing
            then {{ ratio('sums.unsold_after_' ~ horizon ~ '_days_count', 'sums.followed_' ~ horizon ~ '_days_count') }}
    end as unsold_after_{{ horizon }}_days_share{{ ',' if not loop.last }}
    {% endfor %}
from sums
left join codes
    on sums.breakdown_value = codes.code
    and codes.list_name = {{ breakdown_list('sums.breakdown') }}
