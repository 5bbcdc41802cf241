{#- The packages of which an update has to add up the tape anew: those of loans that were touched, and of deals that changed. -#}
{{ config(materialized='table') }}
with deals as (

    select * from {{ ref('int_changed_deals') }}

),

loans as (

    select * from {{ ref('fct_loans') }}

)

select package_id from loans
where {{ of_touched('loan_number', 'int_touched_loans') }}
union
select package_id from deals
where is_changed
