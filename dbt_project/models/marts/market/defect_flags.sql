{%- set with_principal = loan_flags() + title_flags() -%}
{%- set flags = with_principal + package_flags() -%}
with packages as (

    select * from {{ ref('dim_packages') }}
    where status in ('listed', 'completed')

),

transfers as (

    select * from {{ ref('fct_transfers') }}
    where is_completed

),

notices as (

    select * from {{ ref('fct_notices') }}
    where is_current

),

title_chain as (

    select * from {{ ref('fct_title_chain') }}
    where event = 'sale'

),

tapes as (

    select * from {{ ref('int_tape_defects') }}

),

parameters as (

    select {{ parameter_value('cheap_price_ratio', 'double') }} from {{ ref('stg_reference__parameters') }}

),

-- The steps of title that the package's own sale made; a batch-personal resale is barred, which is a fault of title too.
-- Where the chain knows no holder before, nobody can tell whether it breaks.
steps as (

    select
        package_id,
        principal_cny,
        is_double_sale as has_double_sale,
        case
            when is_break or is_resale_of_personal then true
            when holder_before_name is not null then false
        end as has_broken_title
    from title_chain

),

titles as (

    select
        package_id,
        {% for flag in title_flags() -%}
        {{ any_true(flag) }} as {{ flag }},
        {{ money_sum('case when ' ~ flag ~ ' then principal_cny end') }} as {{ flag }}_principal_cny,
        {{ money_sum('case when ' ~ flag ~ ' is null then principal_cny end') }}
            as {{ flag }}_unjudged_cny{{ ',' if not loop.last }}
        {% endfor %}
    from steps
    group by package_id

),

-- Rule NPL-PKG-089 asks for a statement on defects in the sale notices that institutions file, since version 2.0. One
-- statement is enough; whether it is there counts, never what it says.
statements as (

    select
        package_id,
        {{ count_where("trim(defect_statement) <> ''") }} = 0 as is_defect_statement_missing
    from notices
    where notice_type in ('ZR', 'RE')
        and coalesce(source_kind, 'institution') = 'institution'
        and cast(standard_version as double) >= 2
    group by package_id

),

joined as (

    select
        packages.package_id,
        packages.project_code,
        packages.seller_id,
        packages.status,
        coalesce(packages.business, 'unknown') as business,
        coalesce(packages.asset_type, 'unknown') as asset_type,
        packages.overdue_band,
        transfers.signed_date,
        transfers.signed_date_precision,
        transfers.signed_quarter,
        case when transfers.claim_basis <> 'claim_total' then transfers.price_cny end as price_cny,
        case when transfers.claim_basis <> 'claim_total' then transfers.claim_cny end as claim_cny,
        tapes.package_id is not null as has_tape,
        coalesce(tapes.tape_loan_count, cast(0 as bigint)) as tape_loan_count,
        tapes.tape_principal_cny,
        {% for flag in loan_flags() -%}
        tapes.{{ flag }},
        tapes.{{ flag }}_principal_cny,
        tapes.{{ flag }}_unjudged_cny,
        {% endfor -%}
        {% for flag in title_flags() -%}
        titles.{{ flag }},
        titles.{{ flag }}_principal_cny,
        coalesce(titles.{{ flag }}_unjudged_cny, tapes.tape_principal_cny) as {{ flag }}_unjudged_cny,
        {% endfor -%}
        transfers.is_related_party,
        statements.is_defect_statement_missing,
        packages.is_demo
    from packages
    left join transfers on packages.package_id = transfers.package_id
    left join tapes on packages.package_id = tapes.package_id
    left join titles on packages.package_id = titles.package_id
    left join statements on packages.package_id = statements.package_id

),

priced as (

    select * from joined
    where price_cny is not null
        and claim_cny > 0
        and asset_type <> 'unknown'
        and overdue_band <> 'unknown'

),

-- Deals of invented institutions are a market of their own.
{% set cell = ['business', 'asset_type', 'overdue_band', 'is_demo'] -%}
cells as (

    select
        {{ cell | join(', ') }},
        cast(count(*) as bigint) as deal_count,
        {{ money_sum('price_cny') }} as price_cny,
        {{ money_sum('claim_cny') }} as claim_cny
    from priced
    group by {{ cell | join(', ') }}

),

-- The package itself is left out of what it is compared with.
compared as (

    select
        priced.package_id,
        cells.deal_count - 1 as cell_deal_count,
        cast(cells.price_cny - priced.price_cny as decimal(28,2)) as cell_price_cny,
        cast(cells.claim_cny - priced.claim_cny as decimal(28,2)) as cell_claim_cny
    from priced
    inner join cells
        on {% for column in cell -%}
        priced.{{ column }} = cells.{{ column }}{{ '\n        and ' if not loop.last }}
        {%- endfor %}
    where cells.deal_count > 1

),

flagged as (

    select
        joined.*,
        cast(
            {% for flag in flags -%}
            case when joined.{{ flag }} then 1 else 0 end{{ ' +\n            ' if not loop.last }}
            {%- endfor %} as bigint
        ) as flag_count,
        cast(
            {% for flag in flags -%}
            case when joined.{{ flag }} is null then 1 else 0 end{{ ' +\n            ' if not loop.last }}
            {%- endfor %} as bigint
        ) as unjudged_flag_count,
        {{ ratio('joined.price_cny', 'joined.claim_cny') }} as price_ratio,
        coalesce(compared.cell_deal_count, cast(0 as bigint)) as cell_deal_count,
        compared.cell_price_cny,
        compared.cell_claim_cny,
        {{ ratio('compared.cell_price_cny', 'compared.cell_claim_cny') }} as cell_price_ratio,
        parameters.cheap_price_ratio
    from joined
    cross join parameters
    left join compared on joined.package_id = compared.package_id

),

judged as (

    select
        *,
        case when flag_count > 0 then true when unjudged_flag_count = 0 then false end as is_defective,
        price_ratio < cheap_price_ratio * cell_price_ratio as is_cheap
    from flagged

)

select
    -- ids
    package_id,
    project_code,
    seller_id,
    -- kind
    status,
    business,
    asset_type,
    overdue_band,
    signed_date,
    signed_date_precision,
    signed_quarter,
    -- the tape that most flags are judged by
    has_tape,
    tape_loan_count,
    tape_principal_cny,
    -- flags, with the principal they affect
    {% for flag in with_principal -%}
    {{ flag }},
    {{ flag }}_principal_cny,
    {{ flag }}_unjudged_cny,
    {{ ratio(flag ~ '_principal_cny', 'tape_principal_cny') }} as {{ flag }}_principal_ratio,
    {% endfor -%}
    {{ package_flags() | join(',\n    ') }},
    flag_count,
    unjudged_flag_count,
    is_defective,
    -- price, against like deals
    price_cny,
    claim_cny,
    price_ratio,
    cell_deal_count,
    cell_price_cny,
    cell_claim_cny,
    cell_price_ratio,
    {{ ratio('price_ratio', 'cell_price_ratio') }} as price_to_cell_ratio,
    is_cheap,
    is_cheap and is_defective as is_cheap_and_defective,
    is_demo
from judged
