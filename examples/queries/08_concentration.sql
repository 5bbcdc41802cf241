/* 买卖双方有多集中，全国性与地方资产管理公司各占多少
   How concentrated sellers and buyers are, and what shares national and local asset managers have */
select
    period,
    side,
    party_type,
    party_type_zh,
    party_type_en,
    deal_count,
    institution_count,
    round(claim_cny / 1e8, 2) as claim_yi,
    round(100 * type_share, 1) as share_pct,
    round(unnamed_claim_cny / 1e8, 2) as unnamed_yi,
    round(hhi) as hhi,
    round(100 * cr4_ratio, 1) as cr4_pct
from market.concentration
where period_kind = 'year' and business = 'all' and not is_demo
order by period, side, case party_type when 'all' then 0 else 1 end, claim_yi desc, party_type
