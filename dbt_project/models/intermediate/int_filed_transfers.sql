{#- Every accepted transfer row, also of filings superseded or withdrawn since, with its institutions, its package as filed
    and its side: seller, buyer, observer (the desk's, from a public notice). -#}
with transfers as (

    select * from {{ ref('stg_filings__transfer_results') }}

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
        transfers.*,
        seller_names.institution_id as seller_id,
        sellers.institution_type as registered_seller_type,
        sellers.province_code,
        buyer_names.institution_id as buyer_id,
        buyers.institution_type as registered_buyer_type,
        coalesce(seller_names.institution_id, {{ normalised_name('transfers.seller_name') }}) as seller_key,
        coalesce(buyer_names.institution_id, {{ normalised_name('transfers.buyer_name') }}) as buyer_key,
        asset_types.parent_code as business,
        case when transfers.source_kind = 'public_notice' then 'observer' else transfers.filer_side end as side,
        filings.known_from,
        filings.known_to,
        filings.is_in_force,
        filings.is_demo or coalesce(sellers.is_demo, false) as is_demo,
        {{ claim_cny('transfers') }} as claim_cny,
        {{ claim_basis('transfers') }} as claim_basis
    from transfers
    inner join filings on transfers.filing_id = filings.filing_id
    left join names as seller_names
        on {{ normalised_name('transfers.seller_name') }} = seller_names.name
        and transfers.signed_date >= coalesce(seller_names.valid_from, transfers.signed_date)
        and transfers.signed_date <= coalesce(seller_names.valid_to, transfers.signed_date)
    left join institutions as sellers on seller_names.institution_id = sellers.institution_id
    left join names as buyer_names
        on {{ normalised_name('transfers.buyer_name') }} = buyer_names.name
        and transfers.signed_date >= coalesce(buyer_names.valid_from, transfers.signed_date)
        and transfers.signed_date <= coalesce(buyer_names.valid_to, transfers.signed_date)
    left join institutions as buyers on buyer_names.institution_id = buyers.institution_id
    left join codes as asset_types on asset_types.list_name = 'asset_type' and transfers.asset_type = asset_types.code

)

select
    *,
    seller_key || '|' || project_code as filed_package_id
from resolved
