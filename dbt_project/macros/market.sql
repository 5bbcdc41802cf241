{#- `2025Q4`, or `2025Q?` when only the year is known: such a date belongs to no quarter. -#}
{% macro quarter_text(day, precision) -%}
    cast(extract(year from {{ day }}) as {{ dbt.type_string() }}) || 'Q'
    || case when {{ precision }} = 'year' then '?' else cast(extract(quarter from {{ day }}) as {{ dbt.type_string() }}) end
{%- endmacro %}

{#- Last day that a date known by day, month or year may mean (the first day is what is filed). -#}
{% macro latest_day(day, precision) -%}
    case {{ precision }}
        when 'year' then cast({{ dbt.dateadd('day', -1, dbt.dateadd('year', 1, day)) }} as date)
        when 'month' then cast({{ dbt.dateadd('day', -1, dbt.dateadd('month', 1, day)) }} as date)
        else {{ day }}
    end
{%- endmacro %}

{#- The claim (未偿本息): as printed, else principal plus interest, else the total claim, whose fees nobody can take out. -#}
{% macro claim_cny(alias) -%}
    cast(
        coalesce(
            {{ alias }}.principal_interest_cny,
            {{ alias }}.principal_cny + {{ alias }}.interest_cny,
            {{ alias }}.claim_total_cny
        ) as decimal(18,2)
    )
{%- endmacro %}

{% macro claim_basis(alias) -%}
    case
        when {{ alias }}.principal_interest_cny is not null then 'principal_interest'
        when {{ alias }}.principal_cny + {{ alias }}.interest_cny is not null then 'principal_plus_interest'
        when {{ alias }}.claim_total_cny is not null then 'claim_total'
    end
{%- endmacro %}

{#- Bands of 365 days, lower bound inside: 365 days are `1_to_2_years`, 1825 days are `over_5_years`. -#}
{% macro overdue_band(days) -%}
    case
        when {{ days }} is null then 'unknown'
        when {{ days }} < 365 then 'under_1_year'
        when {{ days }} < 730 then '1_to_2_years'
        when {{ days }} < 1095 then '2_to_3_years'
        when {{ days }} < 1460 then '3_to_4_years'
        when {{ days }} < 1825 then '4_to_5_years'
        else 'over_5_years'
    end
{%- endmacro %}

{#- A ratio made from sums; null when there is nothing to divide by. -#}
{% macro ratio(numerator, denominator) -%}
    cast({{ numerator }} as double) / nullif(cast({{ denominator }} as double), 0)
{%- endmacro %}

{% macro money_sum(expression) -%}
    cast(coalesce(sum({{ expression }}), 0) as decimal(28,2))
{%- endmacro %}

{% macro count_where(condition) -%}
    cast(count(case when {{ condition }} then 1 end) as bigint)
{%- endmacro %}

{#- Signed, and of a mode that sells the claim: an ABS issue or a transfer of income rights is no sale. -#}
{% macro is_completed_sale(alias) -%}
    {{ alias }}.signed_date is not null
        and coalesce({{ alias }}.transfer_mode, '') not in ('{{ var('transfer_modes_without_sale') | join("', '") }}')
{%- endmacro %}

{#- Who a figure speaks of: everybody, or everybody but invented institutions. -#}
{% macro market_populations() -%}
    {{ return({'all': 'true', 'without_invented': 'not is_demo'}) }}
{%- endmacro %}
