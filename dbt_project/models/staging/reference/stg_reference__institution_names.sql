with source as (

    select * from {{ source('reference', 'institution_names') }}

)

select
    institution_id,
    {{ normalised_name('name') }} as name,
    {{ date_or_null('valid_from') }} as valid_from,
    {{ date_or_null('valid_to') }} as valid_to
from source
