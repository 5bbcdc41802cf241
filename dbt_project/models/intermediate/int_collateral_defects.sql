{#- What is wrong with the things that secure a loan of a package: one row per package and loan that has any. -#}
with collateral as (

    select * from {{ ref('fct_collateral') }}
    where is_current

),

transfers as (

    select * from {{ ref('fct_transfers') }}
    where is_completed

),

parameters as (

    select {{ parameter_value('stale_valuation_days', 'integer') }} from {{ ref('stg_reference__parameters') }}

),

-- A thing without a value has none that could be stale; one seized first for this claim, or free again, is no defect.
judged as (

    select
        collateral.package_id,
        collateral.loan_number,
        collateral.is_third_party as has_third_party_collateral,
        coalesce(collateral.ranking > 1, false) or coalesce(collateral.prior_claims_cny > 0, false)
            or case when collateral.ranking is null then null else false end as has_prior_ranked_collateral,
        collateral.seizure_state in ('{{ var('seizure_states_of_others') | join("', '") }}')
            as has_collateral_seized_by_others,
        {{ is_over(
            'collateral.valuation_date', 'day', 'parameters.stale_valuation_days',
            'coalesce(transfers.signed_date, collateral.cutoff_date)'
        ) }} as has_stale_valuation
    from collateral
    cross join parameters
    left join transfers on collateral.package_id = transfers.package_id

)

select
    package_id,
    loan_number,
    {% for flag in ['has_third_party_collateral', 'has_prior_ranked_collateral', 'has_collateral_seized_by_others',
                    'has_stale_valuation'] -%}
    {{ any_true(flag) }} as {{ flag }}{{ ',' if not loop.last }}
    {% endfor %}
from judged
group by package_id, loan_number
