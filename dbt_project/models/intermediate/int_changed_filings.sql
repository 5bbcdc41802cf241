{#- The filings of loans, collateral or recoveries that came, were corrected or were withdrawn since the last build, by what
    its tables say of themselves; none in a build from nothing. -#}
{{ config(materialized='table') }}
{%- set tables = tables_of_loans() -%}
{%- set first = (tables.keys() | list)[0] -%}
with filings as (

    select * from {{ ref('stg_operations__filings') }}

),

filed as (

    {% for table, staged in tables.items() -%}
    select distinct
        '{{ table }}' as table_name,
        filing_id
    from {{ ref(staged) }}
    {%- if not built_before(first) %}
    where false
    {%- endif %}
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

built as (

    {% for table in tables -%}
    {%- if built_before(first) -%}
    select
        '{{ table }}' as table_name,
        filing_id,
        min(known_to) as known_to
    from {{ built_before(table) }}
    group by filing_id
    {%- else -%}
    select
        cast(null as {{ dbt.type_string() }}) as table_name,
        cast(null as {{ dbt.type_string() }}) as filing_id,
        cast(null as timestamp) as known_to
    {%- endif %}
    {{ 'union all' if not loop.last }}
    {% endfor %}
)

select
    filed.table_name,
    filed.filing_id,
    built.filing_id is null as is_new
from filed
inner join filings on filed.filing_id = filings.filing_id
left join built on filed.table_name = built.table_name and filed.filing_id = built.filing_id
where built.filing_id is null
    or coalesce(built.known_to <> filings.known_to, (built.known_to is null) <> (filings.known_to is null))
