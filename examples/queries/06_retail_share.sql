/* 个人贷款是否到了供给的四成
   Have personal loans reached 40 % of supply */
select
    period,
    scope,
    round(listed_claim_cny / 1e8, 2) as listed_personal_yi,
    round(all_listed_claim_cny / 1e8, 2) as listed_all_yi,
    round(100 * listed_claim_share, 1) as listed_share_pct,
    round(100 * listed_claim_share_to_target, 1) as points_above_target,
    round(100 * completed_claim_share, 1) as completed_share_pct,
    official_completed_claim_yi,
    official_all_completed_claim_yi,
    round(100 * official_completed_claim_share, 1) as official_completed_share_pct,
    round(all_listed_unknown_business_claim_cny / 1e8, 2) as listed_unknown_business_yi,
    round(all_listed_unknown_channel_claim_cny / 1e8, 2) as listed_unknown_channel_yi
from market.retail_share
where segment = 'batch_personal' and not is_demo
order by scope, period_kind, period
