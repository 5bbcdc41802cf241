/* 报道所说的“几折”是起始价，同一资产包的成交价另看
   The press's 折 is the start price, beside it the deal price of the same package, where it is known */
select
    starts.first_listed_quarter,
    starts.project_code,
    starts.overdue_band,
    starts.press_zhe,
    round(100 * starts.start_price_claim_ratio, 2) as start_on_claim_pct,
    starts.claim_basis,
    round(100 * starts.start_price_principal_ratio, 2) as start_on_principal_pct,
    round(100 * deals.discount_ratio, 2) as deal_on_claim_pct,
    round(100 * cast(deals.price_cny as double) / nullif(cast(starts.start_price_cny as double), 0), 1)
        as deal_to_start_pct
from market.start_prices as starts
left join core.fct_transfers as deals on starts.package_id = deals.package_id and deals.is_completed
where not starts.is_demo
order by starts.press_zhe, starts.package_id
