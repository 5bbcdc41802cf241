{#- The rows in force of compliance returns that report on one of the groups of items (parents in code list
    compliance_item). What a correction or withdrawal took out of force is not here. -#}
{% macro compliance_rows(groups) -%}
    select * from {{ ref('fct_compliance_returns') }}
    where is_current
        and item_group in ('{{ groups | join("', '") }}')
{%- endmacro %}

{#- The columns by which every table of compliance says whose row of which period it is. -#}
{% macro compliance_identity(alias) -%}
    {{ alias }}.filing_id,
    {{ alias }}.row_number,
    {{ alias }}.institution_key,
    {{ alias }}.institution_id,
    {{ alias }}.institution_name,
    {{ alias }}.institution_type,
    {{ alias }}.period_start_date,
    {{ alias }}.period_end_date
{%- endmacro %}

{#- The row of the period that ended the day before, of the same keys: its column, else null. Rows of the same keys must
    stand one a period; a period left out between them is no period before. -#}
{% macro of_period_before(column, keys) -%}
    case
        when {{ dbt.dateadd('day', 1, 'lag(period_end_date) over (' ~ period_order(keys) ~ ')') }} = period_start_date
            then lag({{ column }}) over ({{ period_order(keys) }})
    end
{%- endmacro %}

{% macro period_order(keys) -%}
    partition by {{ keys | join(', ') }} order by period_end_date nulls last, period_start_date nulls last
{%- endmacro %}

{#- Whether a licence is in force on a day: null where its first day was not filed; no last day is no end. -#}
{% macro is_licensed_on(alias, day) -%}
    {{ alias }}.licence_valid_from_date <= {{ day }} and {{ day }} <= coalesce({{ alias }}.licence_valid_to_date, {{ day }})
{%- endmacro %}
