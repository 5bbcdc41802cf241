-- A seller's or buyer's row is told in exactly one deal: none is lost, and none makes a second deal.
with told as (

    select seller_filing_id as filing_id, row_number_seller as row_number from {{ ref('fct_transfers') }}
    where seller_filing_id is not null
    union all
    select buyer_filing_id as filing_id, row_number_buyer as row_number from {{ ref('fct_transfers') }}
    where buyer_filing_id is not null

)

select
    sides.filing_id,
    sides.row_number,
    count(told.filing_id) as deals
from {{ ref('int_transfer_sides') }} as sides
left join told on sides.filing_id = told.filing_id and sides.row_number = told.row_number
where sides.side in ('seller', 'buyer')
group by sides.filing_id, sides.row_number
having count(told.filing_id) <> 1
