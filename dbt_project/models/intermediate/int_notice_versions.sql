{#- The notices that counted for a package, in each span of time in which the platform knew the same of it. -#}
with notices as (

    select * from {{ ref('int_notices') }}

),

notice_spans as (

    {{ knowledge_spans('notices', ['seller_key', 'notice_id']) }}

),

ranked as (

    select
        notices.filing_id,
        notices.row_number,
        notices.package_id,
        notice_spans.span_from as known_from,
        notice_spans.span_to as known_to,
        row_number() over (
            partition by notices.seller_key, notices.notice_id, notice_spans.span_from
            order by
                notices.source_rank,
                notices.announced_date desc,
                notices.known_from desc nulls last,
                notices.filing_id desc,
                notices.row_number desc
        ) as notice_rank
    from notice_spans
    inner join notices
        on notice_spans.seller_key = notices.seller_key
        and notice_spans.notice_id = notices.notice_id
        and {{ is_known_in('notices', 'notice_spans') }}

),

-- A notice that two filed is one notice, and may change its package with the row that speaks for it.
speaking as (

    select * from ranked
    where notice_rank = 1

),

package_spans as (

    {{ knowledge_spans('speaking', ['package_id']) }}

)

select
    package_spans.package_id,
    package_spans.span_from,
    package_spans.span_to,
    notices.filing_id,
    notices.row_number,
    notices.notice_id,
    notices.project_code,
    notices.package_name,
    notices.seller_id,
    notices.seller_name,
    coalesce(notices.registered_seller_type, notices.seller_type) as seller_type,
    notices.province_code,
    notices.asset_type,
    notices.business,
    notices.notice_stage,
    notices.is_relisting,
    notices.announced_date,
    notices.announced_date_precision,
    notices.latest_announced_date,
    notices.first_listed_date,
    notices.cutoff_date,
    notices.principal_cny,
    notices.interest_cny,
    notices.principal_interest_cny,
    notices.other_fees_cny,
    notices.claim_total_cny,
    notices.claim_cny,
    notices.claim_basis,
    notices.loan_count,
    notices.borrower_count,
    notices.weighted_overdue_days,
    notices.start_price_cny,
    notices.source_kind,
    notices.known_from,
    notices.is_demo,
    row_number() over (
        partition by package_spans.package_id, package_spans.span_from
        order by notices.source_rank, notices.announced_date desc, notices.filing_id desc, notices.row_number desc
    ) as package_rank
from package_spans
inner join speaking
    on package_spans.package_id = speaking.package_id
    and {{ is_known_in('speaking', 'package_spans') }}
inner join notices
    on speaking.filing_id = notices.filing_id
    and speaking.row_number = notices.row_number
