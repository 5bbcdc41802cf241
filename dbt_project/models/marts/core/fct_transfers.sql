with transfer_rows as (

    select * from {{ ref('int_transfer_rows') }}

),

sides as (

    select
        package_id,
        max(case when side = 'seller' then filing_id end) as seller_filing_id,
        max(case when side = 'buyer' then filing_id end) as buyer_filing_id,
        max(case when side = 'observer' then filing_id end) as observer_filing_id,
        max(case when side = 'seller' then price_cny end) as price_seller_cny,
        max(case when side = 'buyer' then price_cny end) as price_buyer_cny,
        max(case when side = 'seller' then coalesce(other_consideration_cny, 0) end) as other_consideration_seller_cny,
        max(case when side = 'buyer' then coalesce(other_consideration_cny, 0) end) as other_consideration_buyer_cny,
        max(case when side = 'seller' then principal_cny end) as principal_seller_cny,
        max(case when side = 'buyer' then principal_cny end) as principal_buyer_cny,
        max(case when side = 'seller' then principal_interest_cny end) as principal_interest_seller_cny,
        max(case when side = 'buyer' then principal_interest_cny end) as principal_interest_buyer_cny,
        max(case when side = 'seller' then signed_date end) as signed_date_seller,
        max(case when side = 'buyer' then signed_date end) as signed_date_buyer,
        max(case when side = 'seller' then buyer_key end) as buyer_seller_key,
        max(case when side = 'buyer' then buyer_key end) as buyer_buyer_key,
        max(known_from) as known_from,
        max(case when is_demo then 1 else 0 end) = 1 as is_demo
    from transfer_rows
    group by package_id

),

-- A value that one side leaves out is not compared.
compared as (

    select
        *,
        {% set pairs = [
            ('buyer', 'buyer_seller_key', 'buyer_buyer_key'),
            ('signed_date', 'signed_date_seller', 'signed_date_buyer'),
            ('price_cny', 'price_seller_cny', 'price_buyer_cny'),
            ('other_consideration_cny', 'other_consideration_seller_cny', 'other_consideration_buyer_cny'),
            ('principal_cny', 'principal_seller_cny', 'principal_buyer_cny'),
            ('principal_interest_cny', 'principal_interest_seller_cny', 'principal_interest_buyer_cny'),
        ] -%}
        nullif(trim(
            {%- for name, ours, theirs in pairs %}
            case when {{ ours }} <> {{ theirs }} then '{{ name }} ' else '' end{{ ' ||' if not loop.last }}
            {%- endfor %}
        ), '') as disputed_fields
    from sides

),

-- The seller's row speaks for the deal, else the buyer's, else the public notice: one row whole, so that its parts tie.
chosen as (

    select
        *,
        row_number() over (
            partition by package_id
            order by case side when 'seller' then 1 when 'buyer' then 2 else 3 end
        ) as choice
    from transfer_rows

)

select
    -- ids
    chosen.package_id,
    chosen.project_code,
    chosen.project_name,
    chosen.seller_id,
    chosen.seller_name,
    coalesce(chosen.registered_seller_type, chosen.seller_type) as seller_type,
    chosen.province_code,
    chosen.buyer_id,
    chosen.buyer_name,
    coalesce(chosen.registered_buyer_type, chosen.buyer_type) as buyer_type,
    chosen.counterparty_code,
    -- kind
    chosen.asset_type,
    chosen.business,
    chosen.transfer_mode,
    chosen.transfer_platform,
    chosen.registration_platform,
    -- dates
    chosen.cutoff_date,
    chosen.signed_date,
    chosen.signed_date_precision,
    {{ quarter_text('chosen.signed_date', 'chosen.signed_date_precision') }} as signed_quarter,
    chosen.settled_date,
    chosen.registered_date,
    -- amounts, CNY
    chosen.price_cny,
    chosen.other_consideration_cny,
    chosen.principal_cny,
    chosen.interest_cny,
    chosen.principal_interest_cny,
    chosen.other_fees_cny,
    chosen.claim_total_cny,
    chosen.claim_cny,
    chosen.claim_basis,
    chosen.denominator_kind,
    -- ratios: ours from the parts, and as filed
    {{ ratio('chosen.price_cny', 'chosen.claim_cny') }} as discount_ratio,
    {{ ratio('chosen.price_cny', 'chosen.principal_cny') }} as principal_recovery_ratio,
    chosen.discount_ratio as filed_discount_ratio,
    chosen.principal_recovery_ratio as filed_principal_recovery_ratio,
    -- counts
    chosen.loan_count,
    chosen.borrower_count,
    -- flags of the deal
    chosen.is_debt_to_equity,
    chosen.is_resale,
    chosen.is_related_party,
    -- both sides
    case
        when compared.seller_filing_id is not null and compared.buyer_filing_id is not null
            then case when compared.disputed_fields is null then 'agreed' else 'disputed' end
        when compared.seller_filing_id is not null or compared.buyer_filing_id is not null then 'one_sided'
        else 'observed'
    end as reconciliation_status,
    compared.disputed_fields,
    chosen.side as chosen_side,
    compared.price_seller_cny,
    compared.price_buyer_cny,
    compared.principal_seller_cny,
    compared.principal_buyer_cny,
    compared.principal_interest_seller_cny,
    compared.principal_interest_buyer_cny,
    compared.signed_date_seller,
    compared.signed_date_buyer,
    compared.seller_filing_id,
    compared.buyer_filing_id,
    compared.observer_filing_id,
    -- where it comes from
    chosen.source_kind,
    chosen.precision,
    chosen.source_address,
    -- which deals count
    chosen.signed_date is not null
        and coalesce(chosen.transfer_mode, '') not in ('{{ var('transfer_modes_without_sale') | join("', '") }}') as is_completed,
    compared.is_demo,
    -- two time axes
    chosen.signed_date as valid_from,
    cast(null as date) as valid_to,
    compared.known_from,
    cast(null as timestamp) as known_to
from chosen
inner join compared on chosen.package_id = compared.package_id
where chosen.choice = 1
