with source as (

    select * from {{ source('operations', 'rules') }}

)

select
    rule_id,
    table_name,
    severity,
    category,
    scope,
    state,
    since as since_version,
    {{ text_or_null('until') }} as until_version,
    cast(since_date as date) as since_date,
    cast(until_date as date) as until_date,
    message_zh,
    message_en
from source
