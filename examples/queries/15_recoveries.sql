/* 买入之后收回了多少，扣除费用之后剩多少
   What was recovered after the purchase, and what is left of it after costs */
select
    vintage,
    months_since_signing,
    deal_count,
    at_risk_deal_count,
    deal_with_gap_so_far_count,
    cumulative_gross_cash_cny,
    cumulative_net_cash_cny,
    cumulative_gross_cash_cny - cumulative_net_cash_cny as cumulative_cost_cny,
    round(100 * cumulative_gross_principal_ratio, 2) as gross_on_principal_pct,
    round(100 * cumulative_gross_price_ratio, 1) as gross_on_price_pct,
    round(100 * cumulative_net_price_ratio, 1) as net_on_price_pct
from market.recovery_curves
where population = 'without_invented' and business = 'all' and route = 'all'
order by vintage, months_since_signing
