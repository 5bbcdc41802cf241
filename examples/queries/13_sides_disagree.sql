/* 双方所报不一致，或只有一方报送的成交
   Deals on which both sides disagree, or that only one side filed */
select
    package_id,
    signed_quarter,
    seller_name,
    buyer_name,
    reconciliation_status,
    disputed_fields,
    price_seller_cny,
    price_buyer_cny,
    signed_date_seller,
    signed_date_buyer,
    counterpart_due_date,
    chosen_side,
    seller_filing_id,
    buyer_filing_id
from core.fct_transfers
where reconciliation_status in ('disputed', 'one_sided') and not is_demo
order by case reconciliation_status when 'disputed' then 0 else 1 end, signed_quarter, package_id
