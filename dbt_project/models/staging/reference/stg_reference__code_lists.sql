with source as (

    select * from {{ source('reference', 'code_lists') }}

)

select
    list as list_name,
    code,
    zh,
    en,
    {{ text_or_null('parent') }} as parent_code
from source
