{%- set measures = activity_measures().keys() | reject('equalto', 'listed_principal_cny') | list -%}
with cells as (

    select * from {{ ref('activity_cells') }}

),

codes as (

    select * from {{ ref('stg_reference__code_lists') }}

),

broken_down as (

    {% for breakdown in ['all'] + activity_breakdowns() -%}
    select
        cells.*,
        '{{ breakdown }}' as breakdown,
        {{ "'all'" if breakdown == 'all' else breakdown }} as breakdown_value
    from cells
    {% if not loop.last %}
    union all
    {% endif %}
    {%- endfor %}

),

-- A package's events of one quarter lie in one cell, so that even packages (demo_count) add up.
sums as (

    select
        quarter,
        breakdown,
        breakdown_value,
        {% for measure in measures -%}
        {{ added_up(measure) }} as {{ measure }}{{ ',' if not loop.last }}
        {% endfor %}
    from broken_down
    group by quarter, breakdown, breakdown_value

)

select
    sums.quarter,
    sums.breakdown,
    sums.breakdown_value,
    codes.zh as breakdown_value_zh,
    codes.en as breakdown_value_en,
    {% for measure in measures -%}
    sums.{{ measure }},
    {% endfor -%}
    {{ ratio('sums.discount_price_cny', 'sums.priced_claim_cny') }} as discount_ratio,
    {{ ratio('sums.recovery_price_cny', 'sums.priced_principal_cny') }} as principal_recovery_ratio
from sums
left join codes
    on sums.breakdown_value = codes.code
    and codes.list_name = {{ breakdown_list('sums.breakdown') }}
