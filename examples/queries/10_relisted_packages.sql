/* 哪些资产包重新挂牌，要价与债权如何变化，最后卖了多少
   Which packages were listed again, how claim and asking price moved, and what they fetched */
with listings as (
    select
        *,
        row_number() over (partition by package_id order by announced_date, filing_id, row_number) as turn,
        row_number() over (partition by package_id order by announced_date desc, filing_id desc, row_number desc)
            as turn_from_last
    from core.fct_notices
    where is_current and notice_stage = 'listing' and not is_demo
)
select
    first.package_id,
    first.announced_date as first_listed_date,
    latest.announced_date as last_listed_date,
    packages.listing_count,
    round(first.claim_cny / 1e8, 4) as first_claim_yi,
    round(latest.claim_cny / 1e8, 4) as last_claim_yi,
    round(100 * cast(first.start_price_cny as double) / nullif(cast(first.claim_cny as double), 0), 2) as first_start_pct,
    round(100 * cast(latest.start_price_cny as double) / nullif(cast(latest.claim_cny as double), 0), 2) as last_start_pct,
    latest.missing_reasons['start_price_cny'] as last_start_missing,
    round(100 * deals.discount_ratio, 2) as deal_pct,
    packages.status
from core.dim_packages as packages
inner join listings as first on packages.package_id = first.package_id and first.turn = 1
inner join listings as latest on packages.package_id = latest.package_id and latest.turn_from_last = 1
left join core.fct_transfers as deals on packages.package_id = deals.package_id and deals.is_completed
where packages.relisting_count > 0
order by first_listed_date, first.package_id
