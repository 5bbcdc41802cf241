with events as (

    select * from {{ ref('int_market_events') }}

)

select
    quarter,
    {% for breakdown in activity_breakdowns() -%}
    {{ breakdown }},
    {% endfor -%}
    {% for measure, definition in activity_measures().items() -%}
    {{ definition }} as {{ measure }}{{ ',' if not loop.last }}
    {% endfor %}
from events
group by quarter, {{ activity_breakdowns() | join(', ') }}
