with returns as (

    {{ compliance_rows(['disclosure']) }}

)

select
    {{ compliance_identity('returns') }},
    returns.item,
    returns.subject_key,
    returns.duty_due_count,
    returns.duty_met_count,
    returns.duty_late_count,
    returns.duty_missing_count,
    -- every duty that fell due is met, late or missing
    cast(
        returns.duty_due_count - returns.duty_met_count - returns.duty_late_count - returns.duty_missing_count as bigint
    ) as tie_gap_count,
    {{ ratio('returns.duty_met_count', 'returns.duty_due_count') }} as met_ratio,
    returns.is_demo
from returns
