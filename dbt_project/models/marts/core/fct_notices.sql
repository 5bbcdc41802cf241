with notices as (

    select * from {{ ref('int_notices') }}

),

ranked as (

    select
        *,
        case when is_current then
            row_number() over (
                partition by package_id, is_current
                order by source_rank, announced_date desc, filing_id desc, row_number desc
            )
        end as package_rank
    from notices

),

announcements as (

    select distinct
        package_id,
        announced_date
    from notices
    where is_current

),

-- What a notice says holds until the package's next notice.
successors as (

    select
        notices.filing_id,
        notices.row_number,
        min(announcements.announced_date) as valid_to
    from notices
    inner join announcements
        on notices.package_id = announcements.package_id
        and announcements.announced_date > notices.announced_date
    group by notices.filing_id, notices.row_number

)

select
    -- ids
    ranked.filing_id,
    ranked.row_number,
    ranked.notice_id,
    ranked.package_id,
    ranked.project_code,
    ranked.seller_id,
    ranked.seller_name,
    coalesce(ranked.registered_seller_type, ranked.seller_type) as seller_type,
    ranked.province_code,
    -- kind and date
    ranked.notice_type,
    ranked.notice_stage,
    ranked.business,
    ranked.announced_date,
    ranked.announced_date_precision,
    ranked.latest_announced_date,
    -- the claim and what it stands on
    ranked.claim_cny,
    ranked.claim_basis,
    -- as filed
    ranked.seller_uscc,
    ranked.seller_branch,
    ranked.package_name,
    ranked.asset_type,
    ranked.cutoff_date,
    ranked.principal_cny,
    ranked.loan_count,
    ranked.interest_cny,
    ranked.borrower_count,
    ranked.principal_interest_cny,
    ranked.other_fees_cny,
    ranked.claim_total_cny,
    ranked.weighted_overdue_days,
    ranked.overdue_definition,
    ranked.max_borrower_balance_cny,
    ranked.avg_borrower_balance_cny,
    ranked.weighted_age_years,
    ranked.weighted_credit_line_cny,
    ranked.five_tier_states,
    ranked.write_off_states,
    ranked.guarantee_states,
    ranked.litigation_states,
    ranked.sale_method,
    ranked.bidding_method,
    ranked.registration_deadline_at,
    ranked.bid_date,
    ranked.free_bid_start_at,
    ranked.free_bid_end_at,
    ranked.extension_minutes,
    ranked.start_price_cny,
    ranked.bid_increment_cny,
    ranked.deposit_cny,
    ranked.buyer_conditions,
    ranked.signing_days,
    ranked.payment_days,
    ranked.is_yindeng_settled,
    ranked.is_relisted,
    ranked.first_listed_date,
    ranked.listing_channel,
    ranked.share_size_cny,
    ranked.asset_source,
    ranked.asset_theme,
    ranked.valuation_method,
    ranked.valuation_data,
    ranked.valuation_date,
    ranked.appraised_value_cny,
    ranked.pledge_statement,
    ranked.defect_statement,
    ranked.remarks,
    ranked.source_kind,
    ranked.precision,
    ranked.amounts_as_printed,
    ranked.source_address,
    ranked.source_medium,
    ranked.missing_reasons,
    ranked.standard_version,
    ranked.filing_institution,
    -- which rows count
    ranked.is_relisting,
    ranked.is_in_force,
    ranked.is_current,
    cast(ranked.package_rank as bigint) as package_rank,
    ranked.is_demo,
    -- two time axes
    ranked.announced_date as valid_from,
    successors.valid_to,
    ranked.known_from,
    ranked.known_to
from ranked
left join successors
    on ranked.filing_id = successors.filing_id
    and ranked.row_number = successors.row_number
