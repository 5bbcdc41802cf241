with source as (

    select * from {{ source('operations', 'rule_results') }}

)

select
    filing_id,
    table_name,
    rule_id,
    severity,
    category,
    cast(rows_judged as bigint) as rows_judged,
    cast(violations as bigint) as violations
from source
