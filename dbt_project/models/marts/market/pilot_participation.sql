with institutions as (

    select * from {{ ref('stg_reference__institutions') }}

),

eligibility as (

    select * from {{ ref('stg_reference__eligibility') }}

),

participations as (

    select * from {{ ref('int_participations') }}

),

filings as (

    select * from {{ ref('stg_operations__filings') }}

),

-- From the first act of the register to the last day that a deal or a decision of the platform speaks of: nobody is absent
-- from a year that has not begun, however long an act runs.
day_bounds as (

    select min(valid_from) as day from eligibility
    union all
    select max(event_date) as day from participations
    union all
    select min(event_date) as day from participations
    union all
    select cast(max(known_from) as date) as day from filings

),

year_bounds as (

    select
        cast(extract(year from min(day)) as bigint) as first_year,
        cast(extract(year from max(day)) as bigint) as last_year
    from day_bounds

),

numbers as (

    {{ numbers_to_999() }}

),

years as (

    select
        year_bounds.first_year + numbers.number as year_number,
        cast(cast(year_bounds.first_year + numbers.number as {{ dbt.type_string() }}) || '-01-01' as date) as year_start,
        cast(cast(year_bounds.first_year + numbers.number as {{ dbt.type_string() }}) || '-12-31' as date) as year_end
    from year_bounds
    inner join numbers on year_bounds.first_year + numbers.number <= year_bounds.last_year

),

-- Each act that concerns an institution's type and province, cut to the days on which the institution exists.
permits as (

    select
        institutions.institution_id,
        eligibility.role,
        eligibility.business,
        eligibility.province_scope,
        eligibility.act,
        eligibility.article,
        eligibility.certainty,
        eligibility.valid_from as act_valid_from,
        eligibility.valid_to as act_valid_to,
        greatest(eligibility.valid_from, coalesce(institutions.valid_from, eligibility.valid_from)) as valid_from,
        least(
            coalesce(eligibility.valid_to, cast('9999-12-31' as date)),
            coalesce(institutions.valid_to, cast('9999-12-31' as date))
        ) as valid_to,
        eligibility.province_scope <> 'list' or institutions.province_code is not null as is_assessed
    from institutions
    inner join eligibility on institutions.institution_type = eligibility.institution_type
    where eligibility.province_scope <> 'list'
        or coalesce({{ is_listed_province('eligibility.province_codes', 'institutions.province_code') }}, true)

),

permits_of_year as (

    select
        years.year_number,
        years.year_start,
        years.year_end,
        permits.*,
        permits.valid_from <= years.year_end and permits.valid_to >= years.year_start as is_in_year,
        row_number() over (
            partition by permits.institution_id, permits.role, permits.business, years.year_number
            order by
                case when permits.valid_from <= years.year_end and permits.valid_to >= years.year_start then 1 else 2 end,
                case when permits.is_assessed then 1 else 2 end,
                permits.valid_to desc,
                permits.certainty,
                permits.province_scope,
                permits.act
        ) as permit_rank
    from permits
    cross join years
    where permits.valid_from <= permits.valid_to

),

grid as (

    select
        institution_id,
        role,
        business,
        year_number,
        {{ count_where('is_in_year and is_assessed') }} as permit_count,
        {{ count_where('is_in_year and not is_assessed') }} as unassessed_count,
        min(case when is_in_year and is_assessed then greatest(valid_from, year_start) end) as eligible_from,
        max(case when is_in_year and is_assessed then least(valid_to, year_end) end) as eligible_to,
        max(year_start) as year_start,
        max(year_end) as year_end,
        min(valid_from) as first_valid_from,
        max(valid_to) as last_valid_to,
        max(case when permit_rank = 1 then act end) as act,
        max(case when permit_rank = 1 then article end) as article,
        max(case when permit_rank = 1 then certainty end) as certainty,
        max(case when permit_rank = 1 then province_scope end) as province_scope,
        max(case when permit_rank = 1 then act_valid_from end) as act_valid_from,
        max(case when permit_rank = 1 then act_valid_to end) as act_valid_to
    from permits_of_year
    group by institution_id, role, business, year_number

),

{% set states = ['eligible', 'other_province', 'not_eligible', 'resale', 'not_assessed'] -%}
taken as (

    select
        institution_key,
        role,
        business,
        year_number,
        max(institution_id) as institution_id,
        max(institution_name) as institution_name,
        max(institution_type) as institution_type,
        {% for part in ['listed', 'sold', 'bought'] -%}
        {{ count_where("part = '" ~ part ~ "'") }} as {{ part }}_count,
        {{ money_sum("case when part = '" ~ part ~ "' then claim_cny end") }} as {{ part }}_claim_cny,
        {% endfor -%}
        {% for state in states -%}
        {{ count_where("eligibility_on_date = '" ~ state ~ "'") }} as {{ state }}_count,
        {% endfor -%}
        {{ dbt.listagg(
            "case when eligibility_on_date = 'not_eligible' then part || ' ' || package_id end",
            "'; '",
            "order by part, package_id"
        ) }} as not_eligible_parts,
        max(case when is_demo then 1 else 0 end) = 1 as is_demo
    from participations
    group by institution_key, role, business, year_number

),

joined as (

    select
        coalesce(grid.institution_id, taken.institution_key) as institution_key,
        coalesce(grid.institution_id, taken.institution_id) as institution_id,
        coalesce(institutions.name_zh, taken.institution_name) as institution_name,
        coalesce(institutions.institution_type, taken.institution_type) as institution_type,
        institutions.province_code,
        coalesce(grid.role, taken.role) as role,
        coalesce(grid.business, taken.business) as business,
        coalesce(grid.year_number, taken.year_number) as year_number,
        case
            when grid.permit_count > 0 and grid.eligible_from = grid.year_start and grid.eligible_to = grid.year_end
                then 'all_year'
            when grid.permit_count > 0 then 'part_of_year'
            when grid.unassessed_count > 0 then 'province_unknown'
            when grid.last_valid_to < grid.year_start then 'ended'
            when grid.first_valid_from > grid.year_end then 'not_yet'
            when grid.institution_id is not null then 'between_acts'
            when institutions.institution_id is null then 'not_in_register'
            else 'never'
        end as eligibility,
        coalesce(grid.permit_count, 0) > 0 as is_eligible,
        grid.eligible_from,
        grid.eligible_to,
        grid.act,
        grid.article,
        grid.certainty,
        grid.province_scope,
        grid.act_valid_from,
        grid.act_valid_to,
        coalesce(grid.permit_count, 0) as permit_count,
        {% for part in ['listed', 'sold', 'bought'] -%}
        coalesce(taken.{{ part }}_count, 0) as {{ part }}_count,
        cast(coalesce(taken.{{ part }}_claim_cny, 0) as decimal(28,2)) as {{ part }}_claim_cny,
        {% endfor -%}
        {% for state in states -%}
        coalesce(taken.{{ state }}_count, 0) as {{ state }}_count,
        {% endfor -%}
        taken.not_eligible_parts,
        coalesce(institutions.is_demo, taken.is_demo) as is_demo
    from grid
    full outer join taken
        on grid.institution_id = taken.institution_key
        and grid.role = taken.role
        and grid.business = taken.business
        and grid.year_number = taken.year_number
    left join institutions on coalesce(grid.institution_id, taken.institution_id) = institutions.institution_id

)

select
    institution_key,
    institution_id,
    institution_name,
    institution_type,
    province_code,
    role,
    business,
    business in ('{{ var('pilot_businesses') | join("', '") }}') as is_pilot_business,
    cast(year_number as bigint) as year_number,
    -- what the register says
    eligibility,
    is_eligible,
    eligible_from,
    eligible_to,
    act,
    article,
    certainty,
    province_scope,
    act_valid_from,
    act_valid_to,
    permit_count,
    -- whether it took part
    case
        when listed_count + sold_count + bought_count > 0 then 'took_part'
        when is_eligible then 'absent'
        else 'not_expected'
    end as participation,
    {% for part in ['listed', 'sold', 'bought'] -%}
    {{ part }}_count,
    {{ part }}_claim_cny,
    {% endfor -%}
    -- judged on the day of each part
    {% for state in states -%}
    {{ state }}_count,
    {% endfor -%}
    not_eligible_parts,
    is_demo
from joined
where eligibility <> 'not_yet'
    or listed_count + sold_count + bought_count > 0
