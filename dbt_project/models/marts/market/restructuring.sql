with tapes as (

    select * from {{ ref('int_loan_quarters') }}

),

collateral as (

    select * from {{ ref('fct_collateral') }}
    where is_current

),

recoveries as (

    select * from {{ ref('fct_recoveries') }}
    where is_current

),

transfers as (

    select * from {{ ref('fct_transfers') }}
    where is_completed

),

codes as (

    select * from {{ ref('stg_reference__code_lists') }}

),

-- Tapes are long: they are added up before anything is laid beside them.
loans_of_quarter as (

    select
        quarter,
        coalesce(restructuring_state, 'unknown') as restructuring_state,
        {{ yes_no_or_unknown('is_baojiaolou') }} as baojiaolou,
        is_demo,
        cast(count(*) as bigint) as loan_count,
        {{ count_where('principal_cny is null') }} as without_principal_count,
        cast(sum(principal_cny) as decimal(28,2)) as principal_cny,
        {{ count_where('forgiven_cny > 0') }} as forgiven_count,
        cast(sum(forgiven_cny) as decimal(28,2)) as forgiven_cny
    from tapes
    group by quarter, coalesce(restructuring_state, 'unknown'), {{ yes_no_or_unknown('is_baojiaolou') }}, is_demo

),

agreements as (

    select
        {{ quarter_or_unknown('tapes.restructuring_date') }} as quarter,
        tapes.restructuring_state,
        tapes.is_demo,
        cast(count(*) as bigint) as loan_count,
        {{ count_where('tapes.principal_cny is null') }} as without_principal_count,
        cast(sum(tapes.principal_cny) as decimal(28,2)) as principal_cny
    from tapes
    inner join codes
        on codes.list_name = 'restructuring_state'
        and tapes.restructuring_state = codes.code
        and codes.parent_code = 'agreed'
    where tapes.is_last_of_all
    group by {{ quarter_or_unknown('tapes.restructuring_date') }}, tapes.restructuring_state, tapes.is_demo

),

-- A thing that secures several loans, or was filed for several packages, is one thing.
things as (

    select
        *,
        {{ quarter_or_unknown('cutoff_date') }} as quarter,
        row_number() over (
            partition by collateral_key, {{ quarter_or_unknown('cutoff_date') }}
            order by cutoff_date desc nulls last, known_from desc nulls last, filing_id desc, row_number desc
        ) as rank_in_quarter
    from collateral

),

-- What a month brought: cash, and the value of what was taken in its place. Packages without a known deal count by their code.
recovered as (

    select
        recoveries.*,
        {{ quarter_or_unknown('recoveries.month') }} as quarter,
        coalesce(
            recoveries.package_id,
            {{ institution_key('recoveries.holder_id', 'recoveries.holder_name') }} || '|' || recoveries.project_code
        ) as unit_key,
        coalesce(recoveries.gross_cash_cny, 0) + coalesce(recoveries.equity_value_cny, 0)
            + coalesce(recoveries.in_kind_value_cny, 0) as value_cny,
        {{ normalised_name('recoveries.baojiaolou_project_name') }} as project_key,
        coalesce(routes.parent_code, 'unknown') as route_group
    from recoveries
    left join codes as routes on routes.list_name = 'recovery_route' and recoveries.route = routes.code

),

-- The homes of one project and month, however many loans, routes or holders report them: the largest figure stands.
homes as (

    select
        quarter,
        month,
        coalesce(project_key, unit_key) as project_key,
        max(homes_delivered_count) as homes_delivered_count,
        min(case when is_demo then 1 else 0 end) = 1 as is_demo
    from recovered
    where homes_delivered_count is not null
    group by quarter, month, coalesce(project_key, unit_key)

),

-- One row adds `unit_count` units, or the one named by `unit_key`.
facts as (

    {{ restructuring_fact(
        'loan_state', 'loans', 'principal', 'loans_of_quarter', 'restructuring_state',
        units='loan_count', amount='principal_cny', without='without_principal_count'
    ) }}

    union all

    {{ restructuring_fact(
        'agreement_state', 'loans', 'principal', 'agreements', 'restructuring_state',
        units='loan_count', amount='principal_cny', without='without_principal_count'
    ) }}

    union all

    {{ restructuring_fact(
        'forgiven', 'loans', 'forgiven', 'loans_of_quarter', 'restructuring_state',
        units='forgiven_count', amount='forgiven_cny', condition='forgiven_count > 0'
    ) }}

    union all

    {{ restructuring_fact(
        'baojiaolou_loans', 'loans', 'principal', 'loans_of_quarter', 'baojiaolou',
        units='loan_count', amount='principal_cny', without='without_principal_count'
    ) }}

    union all

    {{ restructuring_fact(
        'baojiaolou_collateral', 'things', 'valuation', 'things', yes_no_or_unknown('is_baojiaolou_project'),
        units='1', amount='valuation_cny', condition='rank_in_quarter = 1'
    ) }}

    union all

    {{ restructuring_fact(
        'debt_to_equity_deals', 'deals', 'claim', 'transfers', yes_no_or_unknown('is_debt_to_equity'),
        units='1', amount='claim_cny', quarter='signed_quarter'
    ) }}

    union all

    {{ restructuring_fact(
        'recovered_value', 'packages', 'recovered_value', 'recovered', 'route_group',
        key='unit_key', amount='value_cny', condition='value_cny <> 0'
    ) }}

    union all

    {{ restructuring_fact(
        'recovered_cash', 'packages', 'gross_cash', 'recovered', "coalesce(route, 'unknown')",
        key='unit_key', amount='gross_cash_cny', condition='gross_cash_cny <> 0'
    ) }}

    union all

    {% for form, column in [('cash', 'gross_cash_cny'), ('equity', 'equity_value_cny'), ('in_kind', 'in_kind_value_cny')] -%}
    {{ restructuring_fact(
        'recovered_form', 'packages', 'recovered_value', 'recovered', "'" ~ form ~ "'",
        key='unit_key', amount=column, condition=column ~ ' <> 0'
    ) }}

    union all

    {% endfor -%}
    {{ restructuring_fact(
        'baojiaolou_projects', 'projects', none, 'recovered', "'all'",
        key='project_key', condition='project_key is not null'
    ) }}

    union all

    {{ restructuring_fact('baojiaolou_homes', 'homes', none, 'homes', "'all'", units='homes_delivered_count') }}

    union all

    {{ restructuring_fact(
        'tax_relief', 'packages', 'tax_relief', 'recovered', "coalesce(tax_relief_ground, 'unknown')",
        key='unit_key', amount='tax_relief_claimed_cny', condition='tax_relief_claimed_cny <> 0'
    ) }}

),

{% for name, by in [('parts', 'quarter, theme, count_unit, amount_kind, breakdown_value'), ('totals', 'quarter, theme')] -%}
{{ name }} as (

    select
        {{ by }},
        cast(coalesce(sum(unit_count), 0) + count(distinct unit_key) as bigint) as unit_count,
        cast(coalesce(sum(without_amount_count), 0) as bigint) as without_amount_count,
        cast(sum(amount_cny) as decimal(28,2)) as amount_cny,
        cast(
            coalesce(sum(case when is_demo then unit_count end), 0) + count(distinct case when is_demo then unit_key end)
            as bigint
        ) as demo_count,
        cast(sum(case when is_demo then amount_cny end) as decimal(28,2)) as demo_amount_cny
    from facts
    group by {{ by }}

){{ ',' if not loop.last }}

{% endfor -%}
select
    parts.quarter,
    parts.theme,
    parts.breakdown_value,
    codes.zh as breakdown_value_zh,
    codes.en as breakdown_value_en,
    parts.count_unit,
    parts.unit_count,
    totals.unit_count as total_unit_count,
    {{ ratio('parts.unit_count', 'totals.unit_count') }} as unit_ratio,
    parts.amount_kind,
    parts.amount_cny,
    totals.amount_cny as total_amount_cny,
    {{ ratio('parts.amount_cny', 'totals.amount_cny') }} as amount_ratio,
    parts.without_amount_count,
    parts.demo_count,
    case when parts.amount_cny is not null then coalesce(parts.demo_amount_cny, cast(0 as decimal(28,2))) end
        as demo_amount_cny
from parts
inner join totals on parts.quarter = totals.quarter and parts.theme = totals.theme
left join codes
    on parts.breakdown_value = codes.code
    and codes.list_name = case
        when parts.theme in ('loan_state', 'agreement_state', 'forgiven') then 'restructuring_state'
        when parts.theme = 'recovered_cash' then 'recovery_route'
        when parts.theme = 'tax_relief' then 'tax_relief_ground'
    end
