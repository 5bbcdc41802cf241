-- Of the loans that this update touched: each row as filed stands once, and a title has each step once, from the first. What
-- looks at every loan there is (tag `whole`) is asked when a warehouse is made from nothing.
with touched as (

    select * from {{ ref('int_touched_loans') }}

)

select
    loan_number,
    'row as filed' as what
from {{ ref('fct_loans') }}
where loan_number in (select loan_number from touched)
group by loan_number, filing_id, row_number
having count(*) > 1

union all

select
    loan_number,
    'step of title' as what
from {{ ref('fct_title_chain') }}
where loan_number in (select loan_number from touched)
group by loan_number
having count(*) <> count(distinct position)
    or min(position) <> 0
    or max(position) <> count(*) - 1
