with source as (

    select * from {{ source('reference', 'parameters') }}

)

select
    parameter as parameter_name,
    value,
    unit
from source
