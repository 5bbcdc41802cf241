-- Open + received - resolved of a period, plus the gap that the next period shows, is what that one opens with; a gap is
-- shown wherever the period before was filed, and nowhere else.
with complaints as (

    select * from {{ ref('complaints') }}

),

pairs as (

    select
        later.filing_id,
        later.row_number,
        later.complaint_open_count,
        later.carry_gap_count,
        earlier.complaint_open_count + earlier.complaint_received_count - earlier.complaint_resolved_count as left_over,
        earlier.filing_id is not null as is_carried
    from complaints as later
    left join complaints as earlier
        on later.institution_key = earlier.institution_key
        and later.item = earlier.item
        and coalesce(later.subject_key, '') = coalesce(earlier.subject_key, '')
        and later.period_start_date = {{ dbt.dateadd('day', 1, 'earlier.period_end_date') }}

)

select *
from pairs
where (is_carried and left_over + carry_gap_count <> complaint_open_count)
    or (not is_carried and carry_gap_count is not null)
