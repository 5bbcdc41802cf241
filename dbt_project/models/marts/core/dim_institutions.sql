{#- A chain of mergers longer than this is not followed to its end; a test sees it. -#}
{%- set hops = 5 -%}
with institutions as (

    select * from {{ ref('stg_reference__institutions') }}

),

names as (

    select * from {{ ref('stg_reference__institution_names') }}

),

codes as (

    select * from {{ ref('stg_reference__code_lists') }}

),

-- Every name in the order in which it was borne; a name without dates held all along.
history as (

    select
        institution_id,
        cast(count(*) as bigint) as name_count,
        {{ dbt.listagg(
            measure="name || ' [' || coalesce(cast(valid_from as " ~ dbt.type_string() ~ "), '') || '..'
                || coalesce(cast(valid_to as " ~ dbt.type_string() ~ "), '') || ']'",
            delimiter_text="'; '",
            order_by_clause="order by valid_from nulls first, name"
        ) }} as name_history
    from names
    group by institution_id

),

predecessors as (

    select
        successor_id as institution_id,
        {{ dbt.listagg(
            measure="institution_id", delimiter_text="'; '", order_by_clause="order by institution_id"
        ) }} as predecessor_ids
    from institutions
    where successor_id is not null
    group by successor_id

),

-- A merger of a merger: who stands at the end of the chain.
heirs as (

    select
        hop_0.institution_id,
        coalesce(
            {% for hop in range(hops, -1, -1) %}hop_{{ hop }}.institution_id{{ ', ' if not loop.last }}{% endfor %}
        ) as current_institution_id
    from institutions as hop_0
    {% for hop in range(1, hops + 1) -%}
    left join institutions as hop_{{ hop }} on hop_{{ hop - 1 }}.successor_id = hop_{{ hop }}.institution_id
    {% endfor %}
)

select
    institutions.institution_id,
    institutions.name_zh,
    institutions.name_en,
    history.name_history,
    coalesce(history.name_count, cast(0 as bigint)) as name_count,
    institutions.institution_type,
    types.zh as institution_type_zh,
    types.parent_code as institution_group,
    institutions.province_code,
    provinces.zh as province_zh,
    institutions.uscc,
    institutions.successor_id,
    successors.name_zh as successor_name_zh,
    predecessors.predecessor_ids,
    heirs.current_institution_id,
    institutions.valid_from,
    institutions.valid_to,
    institutions.is_demo
from institutions
inner join heirs on institutions.institution_id = heirs.institution_id
left join predecessors on institutions.institution_id = predecessors.institution_id
left join institutions as successors on institutions.successor_id = successors.institution_id
left join history on institutions.institution_id = history.institution_id
left join codes as types on types.list_name = 'institution_type' and institutions.institution_type = types.code
left join codes as provinces on provinces.list_name = 'province' and institutions.province_code = provinces.code
