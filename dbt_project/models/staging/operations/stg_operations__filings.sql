with source as (

    select * from {{ source('operations', 'filings') }}

)

select
    -- ids
    filing_id,
    institution_id,
    subject_id,
    {{ text_or_null('replaces') }} as replaces_filing_id,
    sha256,
    -- what was filed
    period,
    cast(sequence as bigint) as sequence,
    kind,
    standard_version,
    standard_sha256,
    -- outcome
    verdict,
    state,
    cast(rows_filed as bigint) as rows_filed,
    cast(rows_accepted as bigint) as rows_accepted,
    cast(rows_held as bigint) as rows_held,
    cast(principal_filed_cny as decimal(28, 2)) as principal_filed_cny,
    cast(principal_accepted_cny as decimal(28, 2)) as principal_accepted_cny,
    cast(principal_held_cny as decimal(28, 2)) as principal_held_cny,
    -- times
    cast(received_at as timestamp) as received_at,
    cast(decided_at as timestamp) as decided_at,
    cast(known_from as timestamp) as known_from,
    cast(known_to as timestamp) as known_to,
    -- flags
    known_from is not null and known_to is null as is_in_force,
    coalesce(cast(is_demo as boolean), false) as is_demo
from source
