with deal_parties as (

    select * from {{ ref('int_deal_parties') }}

),

codes as (

    select * from {{ ref('stg_reference__code_lists') }}
    where list_name = 'institution_type'

),

dated as (

    {{ in_periods('deal_parties', ['quarter', 'year']) }}

),

by_business as (

    {{ with_all('dated', 'business', 'business_group') }}

),

by_type as (

    {{ with_all('by_business', 'party_type', 'party_type_group') }}

),

{% set grain = ['period_kind', 'period', 'side', 'business_group', 'party_type_group', 'is_demo'] -%}
-- Everybody who is not named stands in one row, that of the null party.
by_party as (

    select
        {{ grain | join(', ') }},
        party_id,
        cast(count(*) as bigint) as deal_count,
        {{ count_where('claim_cny is null') }} as deal_without_claim_count,
        {{ money_sum('claim_cny') }} as claim_cny,
        {{ money_sum("case when claim_basis = 'claim_total' then claim_cny end") }} as claim_other_basis_cny
    from by_type
    group by {{ grain | join(', ') }}, party_id

),

ranked as (

    select
        *,
        row_number() over (
            partition by {{ grain | join(', ') }}, case when party_id is null then 1 else 0 end
            order by claim_cny desc, party_id nulls last
        ) as party_rank
    from by_party

),

sums as (

    select
        {{ grain | join(', ') }},
        {{ added_up('deal_count') }} as deal_count,
        {{ added_up('deal_without_claim_count') }} as deal_without_claim_count,
        {{ added_up('claim_cny') }} as claim_cny,
        {{ added_up('claim_other_basis_cny') }} as claim_other_basis_cny,
        cast(coalesce(sum(case when party_id is null then deal_count end), 0) as bigint) as unnamed_deal_count,
        {{ money_sum('case when party_id is null then claim_cny end') }} as unnamed_claim_cny,
        {{ money_sum('case when party_id is not null then claim_cny end') }} as named_claim_cny,
        {{ count_where('party_id is not null') }} as institution_count,
        {{ count_where('party_id is not null and claim_cny > 0') }} as measured_institution_count,
        {{ money_sum('case when party_id is not null and party_rank = 1 then claim_cny end') }} as largest_claim_cny,
        {{ money_sum('case when party_id is not null and party_rank <= 4 then claim_cny end') }} as largest_four_claim_cny,
        sum(case when party_id is not null then cast(claim_cny as double) * cast(claim_cny as double) end)
            as sum_of_squared_claims
    from ranked
    group by {{ grain | join(', ') }}

),

-- What the types of a side are shares of: all of its deals, whoever is named or not.
whole as (

    select * from sums
    where party_type_group = 'all'

)

select
    sums.period_kind,
    sums.period,
    sums.side,
    sums.business_group as business,
    sums.party_type_group as party_type,
    codes.zh as party_type_zh,
    codes.en as party_type_en,
    sums.is_demo,
    sums.deal_count,
    sums.deal_without_claim_count,
    sums.claim_cny,
    sums.claim_other_basis_cny,
    whole.claim_cny as all_types_claim_cny,
    {{ ratio('sums.claim_cny', 'whole.claim_cny') }} as type_share,
    sums.unnamed_deal_count,
    sums.unnamed_claim_cny,
    sums.named_claim_cny,
    sums.institution_count,
    sums.measured_institution_count,
    10000 * sums.sum_of_squared_claims
        / nullif(cast(sums.named_claim_cny as double) * cast(sums.named_claim_cny as double), 0) as hhi,
    sums.largest_claim_cny,
    {{ ratio('sums.largest_claim_cny', 'sums.named_claim_cny') }} as cr1_ratio,
    sums.largest_four_claim_cny,
    {{ ratio('sums.largest_four_claim_cny', 'sums.named_claim_cny') }} as cr4_ratio
from sums
inner join whole
    on sums.period_kind = whole.period_kind
    and sums.period = whole.period
    and sums.side = whole.side
    and sums.business_group = whole.business_group
    and sums.is_demo = whole.is_demo
left join codes on sums.party_type_group = codes.code
