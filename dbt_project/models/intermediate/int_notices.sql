{#- Every accepted notice row, also of superseded filings, with its institutions, its package and the row that counts. -#}
with notices as (

    select * from {{ ref('stg_filings__package_notices') }}

),

filings as (

    select * from {{ ref('stg_operations__filings') }}

),

names as (

    select * from {{ ref('stg_reference__institution_names') }}

),

institutions as (

    select * from {{ ref('stg_reference__institutions') }}

),

codes as (

    select * from {{ ref('stg_reference__code_lists') }}

),

resolved as (

    select
        notices.*,
        names.institution_id as seller_id,
        institutions.institution_type as registered_seller_type,
        institutions.province_code,
        coalesce(names.institution_id, {{ normalised_name('notices.seller_name') }}) as seller_key,
        notice_types.parent_code as notice_stage,
        asset_types.parent_code as business,
        filings.known_from,
        filings.known_to,
        filings.is_in_force,
        filings.is_demo or coalesce(institutions.is_demo, false) as is_demo,
        case when notices.source_kind = 'public_notice' then 2 else 1 end as source_rank,
        {{ claim_cny('notices') }} as claim_cny,
        {{ claim_basis('notices') }} as claim_basis,
        {{ latest_day('notices.announced_date', 'notices.announced_date_precision') }} as latest_announced_date
    from notices
    inner join filings on notices.filing_id = filings.filing_id
    left join names
        on {{ normalised_name('notices.seller_name') }} = names.name
        and notices.announced_date >= coalesce(names.valid_from, notices.announced_date)
        and notices.announced_date <= coalesce(names.valid_to, notices.announced_date)
    left join institutions on names.institution_id = institutions.institution_id
    left join codes as notice_types on notice_types.list_name = 'notice_type' and notices.notice_type = notice_types.code
    left join codes as asset_types on asset_types.list_name = 'asset_type' and notices.asset_type = asset_types.code

),

-- One notice may be filed by the institution and collected by the desk, or stand in two filings in force: one row counts.
ranked as (

    select
        *,
        seller_key || '|' || project_code as package_id,
        row_number() over (
            partition by seller_key, notice_id, is_in_force
            order by source_rank, announced_date desc, known_from desc nulls last, filing_id desc, row_number desc
        ) as notice_rank
    from resolved

)

select
    *,
    is_in_force and notice_rank = 1 as is_current,
    notice_stage = 'listing' and (notice_type = 'RE' or coalesce(is_relisted, false)) as is_relisting
from ranked
