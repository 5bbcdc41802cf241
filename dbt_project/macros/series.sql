{#- The whole numbers 0 to 999, one a row, in column `number`: quarters and years are laid out without a gap by them. -#}
{% macro numbers_to_999() -%}
    select cast(100 * hundreds.digit + 10 * tens.digit + ones.digit as integer) as number
    from {% for place in ['hundreds', 'tens', 'ones'] -%}
    {{ 'cross join ' if not loop.first }}(
        {% for digit in range(10) -%}
        select {{ digit }} as digit{{ ' union all ' if not loop.last }}
        {%- endfor %}
    ) as {{ place }}
    {% endfor %}
{%- endmacro %}

{#- Quarters counted through: 4 * year + quarter, so that consecutive ones differ by 1; and back to `2025Q4`. -#}
{% macro quarter_number(day) -%}
    cast(4 * extract(year from {{ day }}) + extract(quarter from {{ day }}) as integer)
{%- endmacro %}

{% macro quarter_of_number(number) -%}
    cast(cast(floor(({{ number }} - 1) / 4.0) as integer) as {{ dbt.type_string() }})
    || 'Q' || cast(mod({{ number }} - 1, 4) + 1 as {{ dbt.type_string() }})
{%- endmacro %}

{#- Whole months from the month of one day to the month of another; the same month is 0. -#}
{% macro months_from(earlier, later) -%}
    cast(
        12 * (extract(year from {{ later }}) - extract(year from {{ earlier }}))
        + extract(month from {{ later }}) - extract(month from {{ earlier }}) as bigint
    )
{%- endmacro %}
