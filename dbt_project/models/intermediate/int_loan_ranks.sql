{#- Of loans with several rows, filed for several packages, cut-off dates or by corrections: which row speaks for the loan in its
    package, and when a row stopped being true. One row per row as filed; a loan that was filed once has none, it needs none. -#}
{{ config(materialized='table') }}
{%- set columns = ['filing_id', 'row_number', 'project_code', 'loan_key', 'holder_name', 'cutoff_date'] -%}
-- depends_on: {{ ref('int_changed_filings') }} {{ ref('int_touched_loans') }}
with filings as (

    select * from {{ ref('stg_operations__filings') }}

),

names as (

    select * from {{ ref('stg_reference__institution_names') }}

),

filed as (

    select {{ columns | join(', ') }}
    from {{ ref('stg_filings__loans') }}
    {%- if built_before('fct_loans') %}
    where {{ in_new_filings('fct_loans') }}

    union all

    select {{ columns | join(', ') }}
    from {{ built_before('fct_loans') }}
    where {{ of_touched('loan_number', 'int_touched_loans') }}
    {%- endif %}

),

repeated as (

    select loan_key
    from filed
    group by loan_key
    having count(*) > 1

),

resolved as (

    select
        filed.*,
        {{ institution_key('names.institution_id', 'filed.holder_name') }} as holder_key,
        filings.known_from,
        filings.known_to,
        filings.is_in_force
    from filed
    inner join repeated on filed.loan_key = repeated.loan_key
    inner join filings on filed.filing_id = filings.filing_id
    left join names on {{ bears_name('names', 'filed.holder_name', 'filed.cutoff_date') }}

),

-- A package has one tape in force; should two stand there, the later one speaks for the loan.
ranked as (

    select
        *,
        row_number() over (
            partition by holder_key, project_code, loan_key, is_in_force
            order by cutoff_date desc nulls last, known_from desc nulls last, filing_id desc, row_number desc
        ) as loan_rank
    from resolved

),

ends as (

    {{ ends_of_validity('resolved', ['loan_key'], 'cutoff_date') }}

)

select
    ranked.filing_id,
    ranked.row_number,
    ranked.loan_key,
    cast(ranked.loan_rank as bigint) as loan_rank,
    ends.valid_to
from ranked
left join ends on ranked.filing_id = ends.filing_id and ranked.row_number = ends.row_number
