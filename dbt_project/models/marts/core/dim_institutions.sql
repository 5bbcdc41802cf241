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
    institutions.valid_from,
    institutions.valid_to,
    institutions.is_demo
from institutions
left join history on institutions.institution_id = history.institution_id
left join codes as types on types.list_name = 'institution_type' and institutions.institution_type = types.code
left join codes as provinces on provinces.list_name = 'province' and institutions.province_code = provinces.code
