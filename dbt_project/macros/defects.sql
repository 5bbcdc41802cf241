{#- A flag has three answers: true, false, and null where nobody filed what it is judged by. -#}

{#- The flags that are judged loan by loan, from tape and collateral: how many of a package's principal each affects is known. -#}
{% macro loan_flags() -%}
    {{ return([
        'has_transfer_bar', 'is_limitation_passed', 'is_judgment_unenforced', 'is_securitised',
        'has_third_party_collateral', 'has_prior_ranked_collateral', 'has_collateral_seized_by_others',
        'has_stale_valuation',
    ]) }}
{%- endmacro %}

{#- The flags of a loan's title, known once its package is sold. -#}
{% macro title_flags() -%}
    {{ return(['has_double_sale', 'has_broken_title']) }}
{%- endmacro %}

{#- The flags of a package as a whole. -#}
{% macro package_flags() -%}
    {{ return(['is_related_party', 'is_defect_statement_missing']) }}
{%- endmacro %}

{#- True if any row says so, null if none does and one could not be judged, else false. -#}
{% macro any_true(flag) -%}
    case
        when count(case when {{ flag }} then 1 end) > 0 then true
        when count(*) > count(case when not {{ flag }} then 1 end) then null
        else false
    end
{%- endmacro %}

{#- Whether a span of years or days that began on a day was over before another; null if the first day is not filed. -#}
{% macro is_over(start, unit, length, day) -%}
    cast({{ dbt.dateadd(unit, length, start) }} as date) < {{ day }}
{%- endmacro %}
