{{ config(tags=['whole']) }}
-- Every package that was listed or sold has its row, the tapes' principal is core's, and no flag affects more than its tape.
{% set flags = loan_flags() + title_flags() %}
with found as (

    select * from {{ ref('defect_flags') }}

),

packages as (

    select
        package_id,
        status
    from {{ ref('dim_packages') }}
    where status in ('listed', 'completed')

),

loans as (

    select
        package_id,
        count(*) as loan_count,
        sum(principal_cny) as principal_cny
    from {{ ref('fct_loans') }}
    where is_current
    group by package_id

)

select
    coalesce(packages.package_id, found.package_id) as package_id,
    'package or tape' as what
from packages
full outer join found on packages.package_id = found.package_id
left join loans on packages.package_id = loans.package_id
where packages.package_id is null
    or found.package_id is null
    or found.tape_loan_count <> coalesce(loans.loan_count, 0)
    or coalesce(found.tape_principal_cny, 0) <> coalesce(loans.principal_cny, 0)
{% for flag in flags %}
union all

select
    package_id,
    '{{ flag }}' as what
from found
where {{ flag }}_principal_cny + {{ flag }}_unjudged_cny > tape_principal_cny
    or (not {{ flag }} and {{ flag }}_principal_cny + {{ flag }}_unjudged_cny <> 0)
    or has_tape <> ({{ flag }}_unjudged_cny is not null)
{% endfor %}
