{#- What the tapes say of each loan in a quarter: a loan that was sold on stands on several, and in each quarter, and of all
    time, the last of them speaks for it. One row per loan and quarter of a cut-off date. -#}
{{ config(
    materialized=growing(), incremental_strategy='append', on_schema_change='fail',
    pre_hook="{{ forget('loan_key', 'int_touched_loans') }}"
) }}
-- depends_on: {{ ref('int_touched_loans') }}
with loans as (

    select * from {{ ref('fct_loans') }}
    where is_current
    {%- if is_update() %}
        and {{ of_touched('loan_key', 'int_touched_loans') }}
    {%- endif %}

),

tapes as (

    select
        loan_key,
        {{ quarter_or_unknown('cutoff_date') }} as quarter,
        restructuring_state,
        restructuring_date,
        is_baojiaolou,
        principal_cny,
        forgiven_cny,
        is_demo,
        row_number() over (
            partition by loan_number, {{ quarter_or_unknown('cutoff_date') }}
            order by cutoff_date desc nulls last, known_from desc nulls last, filing_id desc, row_number desc
        ) as rank_in_quarter,
        row_number() over (
            partition by loan_number
            order by cutoff_date desc nulls last, known_from desc nulls last, filing_id desc, row_number desc
        ) as rank_of_all
    from loans

)

select
    loan_key,
    quarter,
    restructuring_state,
    restructuring_date,
    is_baojiaolou,
    principal_cny,
    forgiven_cny,
    is_demo,
    rank_of_all = 1 as is_last_of_all
from tapes
where rank_in_quarter = 1
