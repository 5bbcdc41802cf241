with returns as (

    {{ compliance_rows(['violence', 'outsourcing']) }}

)

select
    {{ compliance_identity('returns') }},
    returns.item,
    returns.subject_key,
    returns.subject_name,
    returns.item_group = 'outsourcing' as is_of_collector,
    returns.incident_count,
    returns.action_taken,
    returns.incident_count > 0 and returns.action_taken is null as is_without_action,
    returns.is_demo
from returns
