with source as (

    select * from {{ source('reference', 'institutions') }}

)

select
    -- ids
    institution_id,
    {{ text_or_null('uscc') }} as uscc,
    {{ text_or_null('successor_id') }} as successor_id,
    -- names and kinds
    name_zh,
    {{ text_or_null('name_en') }} as name_en,
    {{ text_or_null('institution_type') }} as institution_type,
    {{ text_or_null('province_code') }} as province_code,
    -- dates
    {{ date_or_null('valid_from') }} as valid_from,
    {{ date_or_null('valid_to') }} as valid_to,
    -- flags
    coalesce(cast(is_demo as boolean), false) as is_demo
from source
