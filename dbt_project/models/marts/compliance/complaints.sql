with returns as (

    {{ compliance_rows(['complaints', 'outsourcing']) }}

),

{%- set flow = ['institution_key', 'item', 'subject_key'] %}
carried as (

    select
        *,
        cast(complaint_open_count + complaint_received_count - complaint_resolved_count as bigint)
            as complaint_closing_count,
        cast({{ of_period_before(
            'complaint_open_count + complaint_received_count - complaint_resolved_count', flow
        ) }} as bigint) as carried_in_count
    from returns

)

select
    {{ compliance_identity('carried') }},
    carried.item,
    carried.subject_key,
    carried.subject_name,
    carried.item_group = 'outsourcing' as is_of_collector,
    -- the flow
    carried.complaint_open_count,
    carried.complaint_received_count,
    carried.complaint_resolved_count,
    carried.complaint_closing_count,
    {{ ratio('carried.complaint_resolved_count', 'carried.complaint_open_count + carried.complaint_received_count') }}
        as resolved_ratio,
    -- what the period before left
    carried.carried_in_count,
    cast(carried.complaint_open_count - carried.carried_in_count as bigint) as carry_gap_count,
    carried.is_demo
from carried
