with source as (

    select * from {{ source('operations', 'completeness') }}

)

select
    filing_id,
    table_name,
    field_name,
    cast(rows_filed as bigint) as rows_filed,
    cast(asked_count as bigint) as asked_count,
    cast(nd1_count as bigint) as nd1_count,
    cast(nd2_4_count as bigint) as nd2_4_count,
    cast(nd5_count as bigint) as nd5_count,
    cast(hidden_count as bigint) as hidden_count,
    cast(blank_count as bigint) as blank_count,
    cast(unexplained_count as bigint) as unexplained_count,
    -- what ESMA's letter is about: not collected, or missing without a reason
    cast(nd1_count + unexplained_count as bigint) as not_collected_count
from source
