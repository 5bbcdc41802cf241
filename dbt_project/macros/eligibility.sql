{#- Whether the province of a trader is among those of a list joined with `;`; null where the province is not known. -#}
{% macro is_listed_province(codes, province) -%}
    ';' || {{ codes }} || ';' like '%;' || {{ province }} || ';%'
{%- endmacro %}
