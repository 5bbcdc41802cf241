{#- One row per completed deal: its amounts, and for how many months its recoveries are observed (null when none was filed). -#}
with deals as (

    select * from {{ ref('fct_transfers') }}
    where is_completed

),

recovery_rows as (

    select * from {{ ref('int_recovery_rows') }}
    where is_counted

),

-- The last month that anybody filed: what is worked out brings in nothing until then, and nothing is known beyond.
horizon as (

    select max(month) as month from recovery_rows

),

finals as (

    select
        package_id,
        loan_key,
        min(months_since_signing) as first_month,
        max(months_since_signing) as last_month,
        min(case when is_final then months_since_signing end) as final_month,
        max(case when is_demo then 1 else 0 end) as demo
    from recovery_rows
    group by package_id, loan_key

),

filed as (

    select
        package_id,
        min(first_month) as first_filed_month,
        max(last_month) as last_filed_month,
        min(case when loan_key is null then final_month end) as final_month_in_total,
        max(case when loan_key is not null then final_month end) as last_final_month_of_loans,
        {{ count_where('loan_key is not null') }} as loan_count,
        {{ count_where('loan_key is not null and final_month is not null') }} as final_loan_count,
        max(demo) as demo
    from finals
    group by package_id

),

-- Filed loan by loan, a deal is worked out when all of its loans are, also those that nobody has filed yet.
ended as (

    select
        deals.package_id,
        coalesce(
            filed.final_month_in_total,
            case
                when filed.final_loan_count > 0
                    and filed.final_loan_count >= greatest(filed.loan_count, coalesce(deals.loan_count, 0))
                    then filed.last_final_month_of_loans
            end
        ) as final_month
    from deals
    inner join filed on deals.package_id = filed.package_id

)

select
    deals.package_id,
    deals.signed_quarter as vintage,
    coalesce(deals.business, 'unknown') as business,
    coalesce(deals.buyer_type, 'unknown') as buyer_type,
    coalesce(deals.signed_date_precision, 'day') <> 'year' as is_month_known,
    deals.principal_cny,
    deals.claim_cny,
    deals.claim_basis,
    deals.price_cny,
    deals.is_demo or coalesce(filed.demo, 0) = 1 as is_demo,
    filed.package_id is not null as is_filed,
    filed.first_filed_month,
    filed.last_filed_month,
    ended.final_month,
    -- the last month for which it is known what came in
    case
        when ended.final_month is null then filed.last_filed_month
        else greatest(filed.last_filed_month, {{ months_from('deals.signed_date', 'horizon.month') }})
    end as last_observed_month
from deals
left join filed on deals.package_id = filed.package_id
left join ended on deals.package_id = ended.package_id
cross join horizon
