with source as (

    select * from {{ source('reference', 'eligibility') }}

)

select
    role,
    institution_type,
    business,
    -- all; own (buyer: its own province only); list (the trader's province is among province_codes, joined with `;`)
    province_scope,
    {{ text_or_null('province_codes') }} as province_codes,
    {{ date_or_null('valid_from') }} as valid_from,
    {{ date_or_null('valid_to') }} as valid_to,
    act,
    {{ text_or_null('article') }} as article,
    -- P: a public page says so; U: not checked
    certainty
from source
