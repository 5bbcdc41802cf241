/* 某一时点所知的成交与现在所知的成交（把时点改成所需的，UTC）
   Deals as known at a moment and as known now (put the moment you need, UTC) */
with moments as (
    select 'then' as known, timestamp '2026-01-09 12:00' as moment
    union all
    select 'now' as known, max(known_from) as moment
    from core.fct_transfer_versions
)
select
    moments.known,
    moments.moment,
    coalesce(
        case when deals.signed_date_precision = 'year' then null
            else year(deals.signed_date) || 'Q' || quarter(deals.signed_date) end,
        year(deals.signed_date) || 'Q?'
    ) as signed_quarter,
    count(*) as deal_count,
    sum(deals.claim_cny) as claim_cny,
    sum(deals.price_cny) as price_cny
from moments
inner join core.fct_transfer_versions as deals
    on deals.known_from <= moments.moment and (deals.known_to is null or deals.known_to > moments.moment)
where deals.is_completed and not deals.is_demo
group by all
order by signed_quarter, moments.moment
