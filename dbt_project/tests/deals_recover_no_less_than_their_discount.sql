-- Of single deals this is a warning: what institutions file is judged by the standard's rules, and one odd deal
-- must not keep the market's table from being built.
{{ config(severity='warn') }}

select package_id
from {{ ref('fct_transfers') }}
where claim_basis <> 'claim_total'
    and principal_recovery_ratio < discount_ratio
