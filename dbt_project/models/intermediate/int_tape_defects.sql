{#- The loans of each package's tape, added up once: how much of its principal each defect affects, and how much nobody could
    judge. Tapes are long, packages are few: whoever needs these flags joins this. -#}
{{ config(
    materialized=growing(), incremental_strategy='append', on_schema_change='fail',
    pre_hook="{{ forget('package_id', 'int_touched_packages') }}"
) }}
-- depends_on: {{ ref('int_touched_packages') }}
with loans as (

    select * from {{ ref('fct_loans') }}
    where is_current
    {%- if is_update() %}
        and {{ of_touched('package_id', 'int_touched_packages') }}
    {%- endif %}

),

things as (

    select * from {{ ref('int_collateral_defects') }}

),

transfers as (

    select * from {{ ref('fct_transfers') }}
    where is_completed

),

codes as (

    select * from {{ ref('stg_reference__code_lists') }}

),

parameters as (

    select
        {{ parameter_value('limitation_period_years', 'integer') }},
        {{ parameter_value('enforcement_period_years', 'integer') }}
    from {{ ref('stg_reference__parameters') }}

),

-- A defect is judged on the day of signing, else at the cut-off date. The limitation of a claim that was sued on does not run.
dated as (

    select
        loans.package_id,
        loans.loan_number,
        loans.principal_cny,
        loans.is_securitised,
        loans.litigation_state,
        loans.judgment_date,
        loans.enforcement_state,
        loans.enforcement_date,
        loans.guarantee,
        bars.parent_code as bar_group,
        suits.parent_code as suit_group,
        coalesce(transfers.signed_date, loans.cutoff_date) as day,
        coalesce(
            loans.limitation_date,
            cast({{ dbt.dateadd(
                'year', 'parameters.limitation_period_years', 'greatest(loans.last_payment_date, loans.default_date)'
            ) }} as date)
        ) as limitation_date,
        parameters.enforcement_period_years
    from loans
    cross join parameters
    left join transfers on loans.package_id = transfers.package_id
    left join codes as bars on bars.list_name = 'transfer_bar' and loans.transfer_bar = bars.code
    left join codes as suits on suits.list_name = 'litigation' and loans.litigation_state = suits.code

),

judged as (

    select
        dated.package_id,
        dated.principal_cny,
        dated.bar_group = 'barred' as has_transfer_bar,
        case
            when dated.suit_group <> 'not_sued' then false
            when dated.suit_group = 'not_sued' then dated.limitation_date < dated.day
        end as is_limitation_passed,
        case
            when dated.enforcement_state <> 'NONE' or dated.enforcement_date is not null then false
            when dated.judgment_date is not null
                then dated.enforcement_state = 'NONE'
                    and {{ is_over('dated.judgment_date', 'year', 'dated.enforcement_period_years', 'dated.day') }}
            when dated.suit_group in ('not_sued', 'in_court', 'in_arbitration') then false
        end as is_judgment_unenforced,
        dated.is_securitised,
        {% for flag in ['has_third_party_collateral', 'has_prior_ranked_collateral', 'has_collateral_seized_by_others',
                        'has_stale_valuation'] -%}
        case
            when things.loan_number is not null then things.{{ flag }}
            when dated.guarantee not in ('{{ var('guarantees_by_things') | join("', '") }}') then false
        end as {{ flag }}{{ ',' if not loop.last }}
        {% endfor %}
    from dated
    left join things on dated.package_id = things.package_id and dated.loan_number = things.loan_number

)

select
    package_id,
    cast(count(*) as bigint) as tape_loan_count,
    {{ money_sum('principal_cny') }} as tape_principal_cny,
    {% for flag in loan_flags() -%}
    {{ any_true(flag) }} as {{ flag }},
    {{ money_sum('case when ' ~ flag ~ ' then principal_cny end') }} as {{ flag }}_principal_cny,
    {{ money_sum('case when ' ~ flag ~ ' is null then principal_cny end') }}
        as {{ flag }}_unjudged_cny{{ ',' if not loop.last }}
    {% endfor %}
from judged
group by package_id
