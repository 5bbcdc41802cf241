{#- The five costs that a recovery names, as `<cost>_cost_cny`. -#}
{% macro recovery_costs() -%}
    {{ return(['tax', 'lawyer', 'enforcement', 'agency', 'other']) }}
{%- endmacro %}
