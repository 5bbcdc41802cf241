{#- A quantile between the values on either side of it (linear), null over nothing. -#}
{% macro quantile(expression, fraction) -%}
    {{ return(adapter.dispatch('quantile', 'npl_warehouse')(expression, fraction)) }}
{%- endmacro %}

{% macro default__quantile(expression, fraction) -%}
    cast(quantile_cont({{ expression }}, {{ fraction }}) as double)
{%- endmacro %}

{% macro spark__quantile(expression, fraction) -%}
    cast(percentile({{ expression }}, {{ fraction }}) as double)
{%- endmacro %}

{#- Days from one date to another; null when either is unknown. -#}
{% macro days_between(first, last) -%}
    cast({{ dbt.datediff(first, last, 'day') }} as bigint)
{%- endmacro %}

{#- Only a date known to the day gives days: one known by month or year, or by the notice that told it, does not. -#}
{% macro is_day_exact(precision) -%}
    coalesce({{ precision }}, 'day') = 'day'
{%- endmacro %}
