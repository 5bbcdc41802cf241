{#- What the tapes say of each loan in a quarter: a loan that was sold on stands on several, and in each quarter, and of all
    time, the last of them speaks for it. One row per loan and quarter of a cut-off date. -#}
{{ config(
    materialized=growing(), incremental_strategy='append', on_schema_change='fail',
    pre_hook="{{ forget('loan_number', 'int_touched_loans') }}"
) }}
-- depends_on: {{ ref('int_touched_loans') }}
with loans as (

    select * from {{ ref('fct_loans') }}
    where is_current
    {%- if is_update() %}
        and {{ of_touched('loan_number', 'int_touched_loans') }}
    {%- endif %}

),

tapes as (

    select
        *,
        {{ quarter_or_unknown('cutoff_date') }} as quarter
    from loans

),

-- Most loans stand on one tape, which needs no order.
repeated as (

    select loan_number
    from loans
    group by loan_number
    having count(*) > 1

),

ranked as (

    select
        tapes.*,
        row_number() over (
            partition by tapes.loan_number, tapes.quarter
            order by tapes.cutoff_date desc nulls last, tapes.known_from desc nulls last, tapes.filing_id desc, tapes.row_number desc
        ) as rank_in_quarter,
        row_number() over (
            partition by tapes.loan_number
            order by tapes.cutoff_date desc nulls last, tapes.known_from desc nulls last, tapes.filing_id desc, tapes.row_number desc
        ) as rank_of_all
    from tapes
    inner join repeated on tapes.loan_number = repeated.loan_number

)

select
    tapes.loan_number,
    tapes.quarter,
    tapes.restructuring_state,
    tapes.restructuring_date,
    tapes.is_baojiaolou,
    tapes.principal_cny,
    tapes.forgiven_cny,
    tapes.is_demo,
    true as is_last_of_all
from tapes
left join repeated on tapes.loan_number = repeated.loan_number
where repeated.loan_number is null

union all

select
    loan_number,
    quarter,
    restructuring_state,
    restructuring_date,
    is_baojiaolou,
    principal_cny,
    forgiven_cny,
    is_demo,
    rank_of_all = 1 as is_last_of_all
from ranked
where rank_in_quarter = 1
