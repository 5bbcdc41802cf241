{{ config(tags=['whole']) }}
-- Each loan in force begins its chain once, and stands in it once for each completed deal of a package that it is in.
with expected as (

    select
        loans.loan_number,
        1 + count(transfers.package_id) as step_count
    from {{ ref('fct_loans') }} as loans
    left join {{ ref('fct_transfers') }} as transfers
        on loans.package_id = transfers.package_id
        and transfers.is_completed
    where loans.is_current
    group by loans.loan_number

),

chains as (

    select
        loan_number,
        count(*) as step_count,
        count(case when event = 'origination' and position = 0 then 1 end) as origin_count,
        max(position) as last_position
    from {{ ref('fct_title_chain') }}
    group by loan_number

)

select coalesce(expected.loan_number, chains.loan_number) as loan_number
from expected
full outer join chains on expected.loan_number = chains.loan_number
where expected.loan_number is null
    or chains.loan_number is null
    or expected.step_count <> chains.step_count
    or chains.origin_count <> 1
    or chains.last_position <> chains.step_count - 1
