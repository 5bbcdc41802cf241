{%- set both_sides = [
    '?_filing_id', 'row_number_?', 'transfer_id_?', 'project_code_?', 'buyer_name_?', 'signed_date_?', 'price_?_cny',
    'other_consideration_?_cny', 'principal_?_cny', 'principal_interest_?_cny',
] -%}
with transfer_rows as (

    select * from {{ ref('int_transfer_rows') }}

),

sides as (

    select
        package_id,
        {% for side in ('seller', 'buyer') %}
        max(case when side = '{{ side }}' then filing_id end) as {{ side }}_filing_id,
        max(case when side = '{{ side }}' then row_number end) as row_number_{{ side }},
        max(case when side = '{{ side }}' then transfer_id end) as transfer_id_{{ side }},
        max(case when side = '{{ side }}' then project_code end) as project_code_{{ side }},
        max(case when side = '{{ side }}' then buyer_key end) as buyer_{{ side }}_key,
        max(case when side = '{{ side }}' then buyer_name end) as buyer_name_{{ side }},
        max(case when side = '{{ side }}' then signed_date end) as signed_date_{{ side }},
        max(case when side = '{{ side }}' then price_cny end) as price_{{ side }}_cny,
        max(case when side = '{{ side }}' then coalesce(other_consideration_cny, 0) end)
            as other_consideration_{{ side }}_cny,
        max(case when side = '{{ side }}' then principal_cny end) as principal_{{ side }}_cny,
        max(case when side = '{{ side }}' then principal_interest_cny end) as principal_interest_{{ side }}_cny,
        {% endfor %}
        max(case when side = 'observer' then filing_id end) as observer_filing_id,
        max(match_basis) as match_basis,
        max(case when side <> 'observer' and precision <> 'exact' then 1 else 0 end) = 0 as is_exact,
        max(known_from) as known_from,
        max(case when is_demo then 1 else 0 end) = 1 as is_demo
    from transfer_rows
    group by package_id

),

-- A value that one side leaves out is not compared, nor is an amount that either filed rounded: how far that may be off
-- is written in the print, which the rules read when the row is filed.
compared as (

    select
        *,
        {% set pairs = [
            ('buyer_name', 'buyer_seller_key', 'buyer_buyer_key', 'true'),
            ('signed_date', 'signed_date_seller', 'signed_date_buyer', 'true'),
            ('price_cny', 'price_seller_cny', 'price_buyer_cny', 'is_exact'),
            ('other_consideration_cny', 'other_consideration_seller_cny', 'other_consideration_buyer_cny', 'is_exact'),
            ('principal_cny', 'principal_seller_cny', 'principal_buyer_cny', 'is_exact'),
            ('principal_interest_cny', 'principal_interest_seller_cny', 'principal_interest_buyer_cny', 'is_exact'),
        ] -%}
        nullif(trim(
            {%- for name, ours, theirs, condition in pairs %}
            case when {{ condition }} and {{ ours }} <> {{ theirs }} then '{{ name }} ' else '' end{{ ' ||' if not loop.last }}
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
        when compared.seller_filing_id is not null or compared.buyer_filing_id is not null
            then case when chosen.is_counterpart_overdue then 'one_sided' else 'pending' end
        else 'observed'
    end as reconciliation_status,
    compared.match_basis,
    case
        when (compared.seller_filing_id is null) <> (compared.buyer_filing_id is null) then chosen.counterpart_due_date
    end as counterpart_due_date,
    compared.disputed_fields,
    chosen.side as chosen_side,
    {% for name in both_sides %}
    compared.{{ name | replace('?', 'seller') }},
    compared.{{ name | replace('?', 'buyer') }},
    {% endfor %}
    compared.observer_filing_id,
    -- where it comes from
    chosen.source_kind,
    chosen.precision,
    chosen.source_address,
    -- which deals count
    {{ is_completed_sale('chosen') }} as is_completed,
    compared.is_demo,
    -- two time axes
    chosen.signed_date as valid_from,
    cast(null as date) as valid_to,
    compared.known_from,
    cast(null as timestamp) as known_to
from chosen
inner join compared on chosen.package_id = compared.package_id
where chosen.choice = 1
