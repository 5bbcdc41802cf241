/* 平台的报送和公告覆盖了官方总量的多少
   What share of the official totals the filings and notices cover */
select
    period,
    measure,
    business,
    official_value_yi as official_value,
    unit,
    round(warehouse_value, 2) as warehouse_value,
    round(coverage_pct, 1) as coverage_pct,
    is_preferred,
    basis,
    scope,
    status
from market.official_reconciliation
where coverage_pct is not null and period_kind in ('quarter', 'year')
order by business, measure, period, official_rank
