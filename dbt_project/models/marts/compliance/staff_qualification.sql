with returns as (

    {{ compliance_rows(['staff']) }}

)

select
    {{ compliance_identity('returns') }},
    returns.item,
    returns.subject_key,
    returns.staff_count,
    returns.qualified_staff_count,
    cast(returns.staff_count - returns.qualified_staff_count as bigint) as unqualified_staff_count,
    {{ ratio('returns.qualified_staff_count', 'returns.staff_count') }} as qualified_ratio,
    returns.is_demo
from returns
