{#- Every deal with a digest of what is told of it, and whether that changed since the last build; a deal that is gone stands
    here once more, without a digest. -#}
{{ config(materialized='table') }}
{%- set before = this if built_before('fct_title_chain') and load_relation(this) else none -%}
{%- set told = [
    'project_code', 'seller_id', 'seller_name', 'buyer_id', 'buyer_name', 'signed_date', 'signed_date_precision', 'business',
    'is_resale', 'is_related_party', 'reconciliation_status', 'is_completed', 'is_demo', 'known_from',
] -%}
with transfers as (

    select * from {{ ref('fct_transfers') }}

),

present as (

    select
        package_id,
        md5(
            {% for column in told -%}
            coalesce(cast({{ column }} as {{ dbt.type_string() }}), '~'){{ " || '|' ||" if not loop.last }}
            {% endfor %}
        ) as digest
    from transfers

)
{% if before %}
select
    coalesce(present.package_id, before.package_id) as package_id,
    present.digest,
    coalesce(present.digest <> before.digest, true) as is_changed
from present
full outer join (select * from {{ before }} where digest is not null) as before on present.package_id = before.package_id
{%- else %}
select
    package_id,
    digest,
    true as is_changed
from present
{%- endif %}
