-- Products add up to batch personal; the denominators of scope all are market activity; the official scope is a part of it.
{% set measures = ['listed_count', 'listed_claim_cny', 'completed_count', 'completed_claim_cny'] -%}
with shares as (

    select * from {{ ref('retail_share') }}

),

products as (

    select
        period_kind,
        period,
        scope,
        is_demo,
        {% for measure in measures -%}
        sum({{ measure }}) as {{ measure }}{{ ',' if not loop.last }}
        {% endfor %}
    from shares
    where segment_kind = 'product'
    group by period_kind, period, scope, is_demo

),

personal as (

    select * from shares
    where segment_kind = 'business'

),

activity as (

    select * from {{ ref('quarterly_activity') }}
    where breakdown = 'all'

),

everything as (

    select
        period,
        {% for measure in measures -%}
        sum(all_{{ measure }}) as {{ measure }}{{ ',' if not loop.last }}
        {% endfor %}
    from personal
    where period_kind = 'quarter' and scope = 'all'
    group by period

)

select 'products ' || personal.period as difference
from personal
left join products
    on personal.period_kind = products.period_kind
    and personal.period = products.period
    and personal.scope = products.scope
    and personal.is_demo = products.is_demo
where {% for measure in measures -%}
    personal.{{ measure }} <> coalesce(products.{{ measure }}, 0){{ ' or' if not loop.last }}
    {% endfor %}

union all

select 'activity ' || activity.quarter as difference
from activity
left join everything on activity.quarter = everything.period
where {% for measure in measures -%}
    activity.{{ measure }} <> coalesce(everything.{{ measure }}, 0){{ ' or' if not loop.last }}
    {% endfor %}

union all

select 'scope ' || part.period as difference
from personal as part
inner join personal as whole
    on part.period_kind = whole.period_kind
    and part.period = whole.period
    and part.is_demo = whole.is_demo
    and whole.scope = 'all'
where part.scope = 'official'
    and ({% for measure in measures %}part.all_{{ measure }} > whole.all_{{ measure }}{{ ' or ' if not loop.last }}{% endfor %})
