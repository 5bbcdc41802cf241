{#- A number for each loan of any tape, collateral or recovery: it links a loan's rows within one build and says nothing
    outside it, so that a release can link rows without showing keys. -#}
with keys as (

    select loan_key from {{ ref('stg_filings__loans') }}
    union
    select loan_key from {{ ref('stg_filings__collateral') }}
    union
    select loan_key from {{ ref('stg_filings__recoveries') }}

)

select
    loan_key,
    cast(row_number() over (order by loan_key) as bigint) as loan_number
from keys
where loan_key is not null
