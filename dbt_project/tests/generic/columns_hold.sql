{#- What each column of a model must hold, asked in one test: a node of its own for each would cost more than the answer.
    `not_null` and `unique` list columns; `accepted_values` gives the values of a column, `relationships` the model (`to`) and its
    `field` where a column's values must stand. Blank values are `not_null`'s affair alone. -#}
{% test columns_hold(model, not_null=[], unique=[], accepted_values={}, relationships={}) %}

select
    what,
    row_count
from (
    {% for column in not_null %}
    select
        '{{ column }} is null' as what,
        count(*) as row_count
    from {{ model }}
    where {{ column }} is null
    {{ 'union all' if not loop.last or unique or accepted_values or relationships }}
    {% endfor %}
    {% for column in unique %}
    select
        '{{ column }} stands twice' as what,
        count({{ column }}) - count(distinct {{ column }}) as row_count
    from {{ model }}
    {{ 'union all' if not loop.last or accepted_values or relationships }}
    {% endfor %}
    {% for column, values in accepted_values.items() %}
    select
        '{{ column }} has another value' as what,
        count(*) as row_count
    from {{ model }}
    where {{ column }} not in ({% for value in values %}'{{ value }}'{{ ', ' if not loop.last }}{% endfor %})
    {{ 'union all' if not loop.last or relationships }}
    {% endfor %}
    {% for column, parent in relationships.items() %}
    select
        '{{ column }} is unknown there' as what,
        count(*) as row_count
    from {{ model }} as child
    left join (select distinct {{ parent.field }} as parent_key from {{ parent.to }}) as parent
        on child.{{ column }} = parent.parent_key
    where child.{{ column }} is not null and parent.parent_key is null
    {{ 'union all' if not loop.last }}
    {% endfor %}
) as answers
where row_count > 0

{% endtest %}
