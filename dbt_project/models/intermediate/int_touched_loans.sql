{#- The loans of which an update has to make all rows anew: those in any filing that came or changed. Tables that grow look for
    them by number, which takes a fraction of what it takes by key. -#}
{{ config(materialized='table') }}
with changed as (

    select * from {{ ref('int_changed_filings') }}

),

touched as (

    {% for table, staged in tables_of_loans().items() -%}
    select loan_key
    from {{ ref(staged) }}
    where loan_key is not null
        and filing_id in (select filing_id from changed where table_name = '{{ table }}')
    {{ 'union' if not loop.last }}
    {% endfor %}
),

loan_numbers as (

    select * from {{ ref('int_loan_numbers') }}

)

select
    loan_numbers.loan_key,
    loan_numbers.loan_number
from loan_numbers
inner join touched on loan_numbers.loan_key = touched.loan_key
