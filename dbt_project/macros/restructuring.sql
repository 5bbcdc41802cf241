{#- `2025Q4`, or `unknown` where no day is filed: a row without a day still counts somewhere. -#}
{% macro quarter_or_unknown(day) -%}
    coalesce({{ quarter_text(day, "'day'") }}, 'unknown')
{%- endmacro %}

{% macro yes_no_or_unknown(flag) -%}
    case when {{ flag }} then 'yes' when not {{ flag }} then 'no' else 'unknown' end
{%- endmacro %}

{#- The rows that one theme of market.restructuring takes from a relation. `units` (a number to add up) or `key` (a unit that
    counts once, however many rows it has); a theme without an `amount_kind` counts only. -#}
{% macro restructuring_fact(
    theme, count_unit, amount_kind, relation, breakdown,
    units='cast(null as bigint)', key=none, amount=none, without=none, quarter='quarter', condition='true'
) -%}
    select
        {{ quarter }} as quarter,
        '{{ theme }}' as theme,
        '{{ count_unit }}' as count_unit,
        {{ "'" ~ amount_kind ~ "'" if amount_kind else 'cast(null as ' ~ dbt.type_string() ~ ')' }} as amount_kind,
        {{ breakdown }} as breakdown_value,
        cast({{ units }} as bigint) as unit_count,
        {{ key or 'cast(null as ' ~ dbt.type_string() ~ ')' }} as unit_key,
        cast({{ amount or 'null' }} as decimal(28,2)) as amount_cny,
        cast(
            {{ without or ('case when ' ~ amount ~ ' is null then 1 else 0 end' if amount else '0') }} as bigint
        ) as without_amount_count,
        is_demo
    from {{ relation }}
    where {{ condition }}
{%- endmacro %}
