-- Every listing and every sale is one part of one institution: institutions, and types without `pilot`, add up to the market.
with expected as (

    select 'listed' as part, sum(listed_count) as part_count, sum(listed_claim_cny) as claim_cny
    from {{ ref('quarterly_activity') }}
    where breakdown = 'all'
    union all
    select 'sold' as part, sum(completed_count) as part_count, sum(completed_claim_cny) as claim_cny
    from {{ ref('quarterly_activity') }}
    where breakdown = 'all'

),

found as (

    {% for relation, condition in [
        ('pilot_participation', 'true'), ('pilot_participation_by_type', "business <> 'pilot'")
    ] -%}
    {% set last_relation = loop.last -%}
    {% for part in ['listed', 'sold'] -%}
    select
        '{{ relation }}' as relation,
        '{{ part }}' as part,
        sum({{ part }}_count) as part_count,
        sum({{ part }}_claim_cny) as claim_cny
    from {{ ref(relation) }}
    where {{ condition }}
    {{ 'union all' if not (last_relation and loop.last) }}
    {% endfor -%}
    {% endfor %}

)

select
    found.relation,
    found.part
from found
inner join expected on found.part = expected.part
where coalesce(found.part_count, 0) <> coalesce(expected.part_count, 0)
    or coalesce(found.claim_cny, 0) <> coalesce(expected.claim_cny, 0)
