/* 逾期多久，价格多少：成交价、起始价与官方数据
   Price by overdue age: deals, start prices and the official points */
select
    period,
    price_kind,
    overdue_band,
    package_count,
    seller_count,
    round(100 * price_claim_ratio, 2) as price_on_claim_pct,
    round(100 * price_claim_median, 2) as median_on_claim_pct,
    round(100 * official_price_claim_ratio, 2) as official_on_claim_pct,
    round(100 * price_principal_ratio, 2) as price_on_principal_pct,
    round(100 * official_price_principal_ratio, 2) as official_on_principal_pct
from market.price_by_overdue
where business = 'batch_personal' and not is_demo
    and (period_kind = 'all' or official_price_claim_ratio is not null or official_price_principal_ratio is not null)
order by
    price_kind,
    period,
    case when overdue_band = 'all' then 0 when overdue_band like 'under%' then 1 when overdue_band = 'unknown' then 3 else 2 end,
    overdue_band
