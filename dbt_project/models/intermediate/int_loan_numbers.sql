{#- A number for each loan of any tape, collateral or recovery: it links a loan's rows within one build, so that a release can
    link rows without showing keys. Loans are numbered in the order in which the platform got to know them: a loan that is
    filed later changes no number. -#}
{{ config(materialized=growing(), incremental_strategy='append') }}
-- depends_on: {{ ref('int_changed_filings') }}
with filings as (

    select * from {{ ref('stg_operations__filings') }}

),

keys as (

    {% for table, staged in tables_of_loans().items() -%}
    select
        loan_key,
        filing_id
    from {{ ref(staged) }}
    where loan_key is not null
        {%- if is_update() %}
        and {{ in_new_filings(table) }}
        {%- endif %}
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

firsts as (

    select
        keys.loan_key,
        min(filings.known_from) as known_from
    from keys
    inner join filings on keys.filing_id = filings.filing_id
    group by keys.loan_key

)
{%- if is_update() %},

-- Looked for this way round, a few keys pass many; the other way many would be put into a table to ask it of a few.
numbered as (

    select loan_key from {{ this }}
    where loan_key in (select loan_key from firsts)

)
{%- endif %}

select
    loan_key,
    cast(
        {% if is_update() %}(select coalesce(max(loan_number), 0) from {{ this }}) + {% endif -%}
        row_number() over (order by known_from nulls last, loan_key) as bigint
    ) as loan_number
from firsts
{% if is_update() -%}
where loan_key not in (select loan_key from numbered)
{%- endif %}
