with transfers as (

    select * from {{ ref('int_filed_transfers') }}

),

matches as (

    select * from {{ ref('int_transfer_matches') }}

),

filed as (

    select
        transfers.*,
        coalesce(matches.package_id, transfers.filed_package_id) as package_id
    from transfers
    left join matches on transfers.filed_package_id = matches.filed_package_id

),

spans as (

    {{ knowledge_spans('filed', ['package_id']) }}

),

-- The row that counts of each side, in each span; its order is that of `int_transfer_sides`.
known as (

    select
        spans.span_from,
        spans.span_to,
        filed.*,
        row_number() over (
            partition by spans.package_id, spans.span_from, filed.side
            order by
                filed.signed_date desc nulls last,
                filed.known_from desc nulls last,
                filed.filing_id desc,
                filed.row_number desc
        ) as side_rank
    from spans
    inner join filed
        on spans.package_id = filed.package_id
        and {{ is_known_in('filed', 'spans') }}

),

-- The seller's row speaks for the deal, else the buyer's, else the public notice's, as in `fct_transfers`.
chosen as (

    select
        *,
        row_number() over (
            partition by package_id, span_from
            order by case side when 'seller' then 1 when 'buyer' then 2 else 3 end
        ) as choice,
        {% for side in ('seller', 'buyer', 'observer') -%}
        max(case when side = '{{ side }}' then filing_id end) over (partition by package_id, span_from)
            as {{ side }}_filing_id,
        {% endfor -%}
        max(case when is_demo then 1 else 0 end) over (partition by package_id, span_from) = 1 as is_demo_deal
    from known
    where side_rank = 1

)

select
    -- ids
    package_id,
    project_code,
    seller_id,
    seller_name,
    buyer_id,
    buyer_name,
    -- kind and dates
    asset_type,
    business,
    transfer_mode,
    cutoff_date,
    signed_date,
    signed_date_precision,
    -- amounts, CNY
    price_cny,
    other_consideration_cny,
    principal_cny,
    principal_interest_cny,
    claim_cny,
    claim_basis,
    {{ ratio('price_cny', 'claim_cny') }} as discount_ratio,
    {{ ratio('price_cny', 'principal_cny') }} as principal_recovery_ratio,
    loan_count,
    borrower_count,
    -- where it comes from
    side as chosen_side,
    seller_filing_id,
    buyer_filing_id,
    observer_filing_id,
    -- which deals count
    {{ is_completed_sale('chosen') }} as is_completed,
    is_demo_deal as is_demo,
    -- two time axes
    signed_date as valid_from,
    cast(null as date) as valid_to,
    span_from as known_from,
    span_to as known_to
from chosen
where choice = 1
