with source as (

    select * from {{ ref('official_quarterly') }}

)

select
    period,
    measure,
    basis,
    breakdown_dim,
    breakdown_value,
    value,
    unit,
    status,
    source_url,
    source_kind,
    note
from source
