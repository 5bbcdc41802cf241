/* 结构不变时价格如何变动，与简单平均相比
   How prices move with the mix held constant, beside the naive average */
select
    quarter,
    segment,
    is_chain_broken,
    round(index_value, 2) as index_value,
    round(naive_index_value, 2) as naive_index_value,
    round(100 * naive_ratio, 2) as naive_pct,
    deal_count,
    matched_deal_count,
    round(100 * matched_denominator_ratio, 1) as matched_pct
from market.price_index
where population = 'without_invented' and denominator = 'claim' and business = 'batch_personal'
order by quarter_number
