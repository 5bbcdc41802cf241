{#- One row per part that somebody took in the market: listing a package, selling it, buying it; judged against the
    eligibility register on its own day. A day known by month or year is given the benefit of the doubt. -#}
with events as (

    select * from {{ ref('int_market_events') }}

),

packages as (

    select * from {{ ref('dim_packages') }}

),

transfers as (

    select * from {{ ref('fct_transfers') }}

),

institutions as (

    select * from {{ ref('stg_reference__institutions') }}

),

eligibility as (

    select * from {{ ref('stg_reference__eligibility') }}

),

corporate as (

    select code as business from {{ ref('stg_reference__code_lists') }}
    where list_name = 'business'
        and parent_code = 'corporate'

),

parts as (

    select
        events.package_id,
        'seller' as role,
        'listed' as part,
        packages.seller_id as institution_id,
        packages.seller_name as institution_name,
        packages.seller_type as institution_type,
        packages.province_code as seller_province_code,
        false as is_resale,
        events.business,
        events.event_date,
        events.latest_event_date,
        events.claim_cny,
        events.is_demo
    from events
    inner join packages on events.package_id = packages.package_id
    where events.event = 'listed'

    {% for role, part in [('seller', 'sold'), ('buyer', 'bought')] %}
    union all

    select
        events.package_id,
        '{{ role }}' as role,
        '{{ part }}' as part,
        transfers.{{ role }}_id as institution_id,
        transfers.{{ role }}_name as institution_name,
        transfers.{{ role }}_type as institution_type,
        transfers.province_code as seller_province_code,
        coalesce(transfers.is_resale, false) as is_resale,
        events.business,
        events.event_date,
        events.latest_event_date,
        events.claim_cny,
        events.is_demo
    from events
    inner join transfers on events.package_id = transfers.package_id
    where events.event = 'completed'
        and transfers.{{ role }}_name is not null
    {% endfor %}

),

judged as (

    select
        parts.package_id,
        parts.part,
        {{ count_where("eligibility.province_scope = 'all'") }} as open_count,
        {{ count_where(
            "eligibility.province_scope = 'list' and "
            ~ is_listed_province('eligibility.province_codes', 'institutions.province_code')
        ) }} as listed_province_count,
        {{ count_where(
            "eligibility.province_scope = 'own' and institutions.province_code = parts.seller_province_code"
        ) }} as own_province_count,
        {{ count_where(
            "eligibility.province_scope = 'own' and institutions.province_code <> parts.seller_province_code"
        ) }} as other_province_count,
        {{ count_where(
            "eligibility.province_scope = 'list' and institutions.province_code is null"
            ~ " or eligibility.province_scope = 'own'"
            ~ " and (institutions.province_code is null or parts.seller_province_code is null)"
        ) }} as unknown_province_count
    from parts
    left join institutions on parts.institution_id = institutions.institution_id
    left join eligibility
        on parts.role = eligibility.role
        and parts.institution_type = eligibility.institution_type
        and parts.business = eligibility.business
        and eligibility.valid_from <= parts.latest_event_date
        and coalesce(eligibility.valid_to, parts.event_date) >= parts.event_date
    group by parts.package_id, parts.part

)

select
    parts.*,
    {{ institution_key('parts.institution_id', 'parts.institution_name') }} as institution_key,
    cast(extract(year from parts.event_date) as bigint) as year_number,
    -- Corporate claims that were bought may be sold on: the register tells who may sell first.
    case
        when parts.is_resale and corporate.business is not null then 'resale'
        when parts.business = 'unknown' or parts.institution_type is null then 'not_assessed'
        when judged.open_count + judged.listed_province_count + judged.own_province_count > 0 then 'eligible'
        when judged.unknown_province_count > 0 then 'not_assessed'
        when judged.other_province_count > 0 then 'other_province'
        else 'not_eligible'
    end as eligibility_on_date
from parts
inner join judged
    on parts.package_id = judged.package_id
    and parts.part = judged.part
left join corporate on parts.business = corporate.business
