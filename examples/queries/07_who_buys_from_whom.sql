/* 谁从谁那里买：出让方与受让方，按现在的机构（合并之后）计
   Who buys from whom: sellers and buyers as they stand today, after mergers */
select
    coalesce(seller_now.name_zh, deals.seller_name) as seller,
    coalesce(seller_now.institution_type, deals.seller_type, 'unknown') as seller_type,
    coalesce(buyer_now.name_zh, deals.buyer_name) as buyer,
    coalesce(buyer_now.institution_type, deals.buyer_type, 'unknown') as buyer_type,
    count(*) as deal_count,
    round(sum(deals.claim_cny) / 1e8, 4) as claim_yi,
    round(sum(deals.price_cny) / 1e8, 4) as price_yi,
    round(
        100 * cast(sum(case when deals.claim_cny is not null then deals.price_cny end) as double)
        / nullif(cast(sum(case when deals.price_cny is not null then deals.claim_cny end) as double), 0), 2
    ) as price_on_claim_pct
from core.fct_transfers as deals
left join core.dim_institutions as seller on deals.seller_id = seller.institution_id
left join core.dim_institutions as seller_now on seller.current_institution_id = seller_now.institution_id
left join core.dim_institutions as buyer on deals.buyer_id = buyer.institution_id
left join core.dim_institutions as buyer_now on buyer.current_institution_id = buyer_now.institution_id
where deals.is_completed and not deals.is_demo
group by all
order by claim_yi desc nulls last, seller, buyer
