with participation as (

    select * from {{ ref('pilot_participation') }}

),

-- The pilot as a whole counts an institution once, whichever of its businesses it may take part in.
broken_down as (

    select business as business_group, participation.* from participation
    union all
    select 'pilot' as business_group, participation.* from participation
    where is_pilot_business

),

by_institution as (

    select
        role,
        business_group,
        coalesce(institution_type, 'unknown') as institution_type,
        year_number,
        institution_key,
        max(case when is_eligible then 1 else 0 end) = 1 as is_eligible,
        max(case when is_eligible and eligible_count > 0 then 1 else 0 end) = 1 as is_participant,
        max(case when not_eligible_count > 0 then 1 else 0 end) = 1 as is_participant_not_eligible,
        max(case when eligibility = 'ended' then 1 else 0 end) = 1 as is_ended,
        max(case when institution_id is null then 1 else 0 end) = 1 as is_unregistered,
        max(case when is_demo then 1 else 0 end) = 1 as is_demo,
        max(case when certainty = 'P' and is_eligible then 1 else 0 end) = 1 as is_certain,
        max(act_valid_to) as act_valid_to,
        {% for part in ['listed', 'sold', 'bought'] -%}
        sum({{ part }}_count) as {{ part }}_count,
        sum({{ part }}_claim_cny) as {{ part }}_claim_cny{{ ',' if not loop.last }}
        {% endfor %}
    from broken_down
    group by role, business_group, coalesce(institution_type, 'unknown'), year_number, institution_key

),

sums as (

    select
        role,
        business_group,
        institution_type,
        year_number,
        {{ count_where('is_eligible') }} as eligible_count,
        {{ count_where('is_eligible and is_certain') }} as certain_eligible_count,
        {{ count_where('is_participant') }} as participant_count,
        {{ count_where('is_eligible and not is_participant') }} as absent_count,
        {{ count_where('is_participant_not_eligible') }} as not_eligible_participant_count,
        {{ count_where('is_unregistered') }} as unregistered_participant_count,
        {{ count_where('is_ended and not is_eligible') }} as ended_count,
        {{ count_where('is_eligible and is_demo') }} as demo_eligible_count,
        {{ count_where('is_participant and is_demo') }} as demo_participant_count,
        max(act_valid_to) as act_valid_to,
        {% for part in ['listed', 'sold', 'bought'] -%}
        cast(sum({{ part }}_count) as bigint) as {{ part }}_count,
        {{ money_sum(part ~ '_claim_cny') }} as {{ part }}_claim_cny{{ ',' if not loop.last }}
        {% endfor %}
    from by_institution
    group by role, business_group, institution_type, year_number

),

-- A year of which the platform knows no part at all, by nobody of this role and business, is not assessed.
known as (

    select
        *,
        sum(listed_count + sold_count + bought_count) over (partition by role, business_group, year_number) > 0
            as is_assessed
    from sums

)

select
    role,
    business_group as business,
    institution_type,
    year_number,
    is_assessed,
    eligible_count,
    certain_eligible_count,
    participant_count,
    absent_count,
    case when is_assessed then {{ ratio('participant_count', 'eligible_count') }} end as participation_ratio,
    not_eligible_participant_count,
    unregistered_participant_count,
    ended_count,
    act_valid_to,
    {% for part in ['listed', 'sold', 'bought'] -%}
    {{ part }}_count,
    {{ part }}_claim_cny,
    {% endfor -%}
    demo_eligible_count,
    demo_participant_count
from known
