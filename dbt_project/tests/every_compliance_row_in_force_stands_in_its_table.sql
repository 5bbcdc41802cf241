-- Nothing filed is lost: every accepted row in force stands in the table of its item, and in no other but where a
-- collector's complaints and incidents stand beside the institution's own.
{% set homes = {
    'outsourcing': ['outsourcing', 'complaints', 'violent_collection'],
    'complaints': ['complaints'],
    'violence': ['violent_collection'],
    'staff': ['staff_qualification'],
    'technology': ['model_use'],
    'disclosure': ['disclosure_duties'],
    'tax_relief': ['tax_relief'],
} -%}
with filed as (

    select
        returns.filing_id,
        returns.row_number,
        items.parent_code as item_group
    from {{ ref('stg_filings__compliance_returns') }} as returns
    inner join {{ ref('stg_operations__filings') }} as filings on returns.filing_id = filings.filing_id
    left join {{ ref('stg_reference__code_lists') }} as items
        on returns.item = items.code
        and items.list_name = 'compliance_item'
    where filings.is_in_force

),

homes as (

    {% for item_group, tables in homes.items() -%}
    {% set last_group = loop.last -%}
    {% for table in tables -%}
    select '{{ item_group }}' as item_group, '{{ table }}' as home
    {{ 'union all' if not (last_group and loop.last) }}
    {% endfor -%}
    {% endfor %}

),

held as (

    {% for table in ['outsourcing', 'complaints', 'violent_collection', 'staff_qualification', 'model_use',
                     'disclosure_duties', 'tax_relief'] -%}
    select '{{ table }}' as home, filing_id, row_number from {{ ref(table) }}
    {{ 'union all' if not loop.last }}
    {% endfor %}

),

expected as (

    select
        filed.filing_id,
        filed.row_number,
        coalesce(homes.home, 'no table for the item') as home
    from filed
    left join homes on filed.item_group = homes.item_group

)

select
    coalesce(expected.filing_id, held.filing_id) as filing_id,
    coalesce(expected.row_number, held.row_number) as row_number,
    coalesce(expected.home, held.home) as home
from expected
full outer join held
    on expected.filing_id = held.filing_id
    and expected.row_number = held.row_number
    and expected.home = held.home
where expected.filing_id is null
    or held.filing_id is null
