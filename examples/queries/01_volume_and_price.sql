/* 各季度规模与价格：官方与本平台并列，2025 年一季度之后接续
   Volume and price by quarter: official beside the platform's, and on from where the publisher stopped */
select
    period,
    business,
    max(case when measure = 'listed_claim' then official_value_yi end) as official_listed_yi,
    round(max(case when measure = 'listed_claim' then warehouse_value end), 2) as listed_yi,
    max(case when measure = 'completed_claim' then official_value_yi end) as official_completed_yi,
    round(max(case when measure = 'completed_claim' then warehouse_value end), 2) as completed_yi,
    max(case when measure = 'discount_ratio' then official_value_yi end) as official_discount_pct,
    round(max(case when measure = 'discount_ratio' then warehouse_value end), 2) as discount_pct,
    max(case when measure = 'principal_recovery_ratio' then official_value_yi end) as official_recovery_pct,
    round(max(case when measure = 'principal_recovery_ratio' then warehouse_value end), 2) as recovery_pct
from market.official_reconciliation
where period_kind = 'quarter' and is_preferred and business in ('all', 'batch_personal')
group by period, business
order by business, period
