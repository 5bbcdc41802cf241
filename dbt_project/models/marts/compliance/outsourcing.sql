with returns as (

    {{ compliance_rows(['outsourcing']) }}

),

-- How much an institution placed in a period in all, and how many institutions place with one collector.
placements as (

    select
        institution_key,
        period_start_date,
        period_end_date,
        cast(count(*) as bigint) as collector_count,
        cast(sum(placed_account_count) as bigint) as institution_placed_account_count,
        count(placed_account_count) = count(*) as is_every_placement_filed
    from returns
    group by institution_key, period_start_date, period_end_date

),

clients as (

    select
        subject_key,
        period_end_date,
        cast(count(distinct institution_key) as bigint) as client_count
    from returns
    group by subject_key, period_end_date

)

select
    {{ compliance_identity('returns') }},
    returns.subject_key,
    returns.subject_name,
    returns.subject_uscc,
    clients.client_count,
    -- licence
    returns.licence_number,
    returns.licence_authority,
    returns.licence_valid_from_date,
    returns.licence_valid_to_date,
    case
        when returns.licence_valid_from_date is null then 'not_filed'
        when {{ is_licensed_on('returns', 'returns.period_end_date') }} then 'valid'
        when returns.licence_valid_from_date > returns.period_end_date then 'not_yet_valid'
        else 'expired'
    end as licence_state_at_period_end,
    {{ is_licensed_on('returns', 'returns.period_start_date') }}
        and {{ is_licensed_on('returns', 'returns.period_end_date') }} as is_licensed_all_period,
    -- placed
    returns.placed_account_count,
    placements.collector_count,
    placements.institution_placed_account_count,
    case
        when placements.is_every_placement_filed
            then {{ ratio('returns.placed_account_count', 'placements.institution_placed_account_count') }}
    end as placed_account_ratio,
    returns.placed_amount_cny,
    -- what came of it
    returns.complaint_received_count,
    {{ ratio('returns.complaint_received_count', 'returns.placed_account_count') }} as complaint_per_account_ratio,
    returns.incident_count,
    returns.action_taken,
    returns.is_demo
from returns
inner join placements
    on returns.institution_key = placements.institution_key
    and returns.period_start_date = placements.period_start_date
    and returns.period_end_date = placements.period_end_date
left join clients
    on returns.subject_key = clients.subject_key
    and returns.period_end_date = clients.period_end_date
