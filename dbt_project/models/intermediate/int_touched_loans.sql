{#- The loans of which an update has to make all rows anew: those in any filing that came or changed. -#}
{{ config(materialized='table') }}
with changed as (

    select * from {{ ref('int_changed_filings') }}

)

{% for table, staged in tables_of_loans().items() -%}
select loan_key
from {{ ref(staged) }}
where loan_key is not null
    and filing_id in (select filing_id from changed where table_name = '{{ table }}')
{{ 'union' if not loop.last }}
{% endfor %}
