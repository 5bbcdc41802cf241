with source as (

    select * from {{ source('operations', 'warnings') }}

)

select
    filing_id,
    cast(warning_count as bigint) as warning_count,
    cast(answered_count as bigint) as answered_count
from source
