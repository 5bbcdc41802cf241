/* 从基准日到挂牌、签约、付款要多少天，挂牌之后仍未成交的有多少
   Days from cut-off to listing, signing and payment, and how many of those listed are still unsold */
select
    cohort,
    quarter,
    span,
    package_count,
    exact_count,
    days_p25,
    days_median,
    days_p75,
    days_max,
    followed_90_days_count,
    round(100 * unsold_after_90_days_share, 1) as unsold_after_90_days_pct,
    as_of_date
from market.sale_speed
where cohort in ('listed', 'signed') and breakdown = 'all' and not is_demo and exact_count + censored_count > 0
order by cohort, span, quarter
