{#- The loans whose title an update has to tell anew: those that were touched, and those on the tape of a deal that changed. -#}
{{ config(materialized='table') }}
with deals as (

    select * from {{ ref('int_changed_deals') }}

),

loans as (

    select * from {{ ref('fct_loans') }}

)

select loan_number from {{ ref('int_touched_loans') }}
{%- if built_before('fct_title_chain') %}
union
select loan_number from loans
where package_id in (select package_id from deals where is_changed)
{%- endif %}
