-- Officially: price over principal can not be below price over principal and interest.
select
    period,
    business
from (
    select
        period,
        business,
        max(case when measure = 'discount_ratio' then official_value_yi end) as discount,
        max(case when measure = 'principal_recovery_ratio' then official_value_yi end) as recovery
    from {{ ref('official_reconciliation') }}
    where is_preferred
    group by period, business
) as pairs
where recovery < discount
