{#- Two time axes, see docs/as-of.md: what was true (`valid_from`, `valid_to`) and what the platform knew (`known_from`,
    `known_to`). Both spans hold their first moment and not their last; a null end is open. -#}

{#- The rows of a relation as the platform knew them at a moment, an SQL expression of a UTC timestamp. -#}
{% macro as_known_on(relation, moment) -%}
    (
        select * from {{ relation }}
        where known_from <= cast({{ moment }} as timestamp)
            and (known_to is null or known_to > cast({{ moment }} as timestamp))
    )
{%- endmacro %}

{#- When each row stopped being true: the next `day` of the same thing, among the rows that were known at the last moment
    at which the row itself was known. So a row in force looks at rows in force alone, and what was withdrawn or corrected
    ends nothing. A thing without a later day has no row here. -#}
{% macro ends_of_validity(rows, keys, day) -%}
    select
        earlier.filing_id,
        earlier.row_number,
        min(later.{{ day }}) as valid_to
    from {{ rows }} as earlier
    inner join {{ rows }} as later
        on {% for key in keys %}earlier.{{ key }} = later.{{ key }} and {% endfor %}earlier.{{ day }} < later.{{ day }}
        and (earlier.known_to is null or later.known_from < earlier.known_to)
        and (later.known_to is null or later.known_to >= earlier.known_to)
    group by earlier.filing_id, earlier.row_number
{%- endmacro %}

{#- The spans of time in which the same rows of a thing were known: what is known of it changes when a row is accepted,
    corrected or withdrawn, and at no other time. The last span is open; where nothing is known in it, no row joins it. -#}
{% macro knowledge_spans(rows, keys) -%}
    {%- set by = keys | join(', ') -%}
    select
        {{ by }},
        moment as span_from,
        lead(moment) over (partition by {{ by }} order by moment) as span_to
    from (
        select {{ by }}, known_from as moment from {{ rows }}
        union
        select {{ by }}, known_to as moment from {{ rows }} where known_to is not null
    ) as moments
{%- endmacro %}

{#- Whether a row was known during one of those spans. -#}
{% macro is_known_in(row, span) -%}
    {{ row }}.known_from <= {{ span }}.span_from and ({{ row }}.known_to is null or {{ row }}.known_to > {{ span }}.span_from)
{%- endmacro %}

{#- The moment of the last decision, UTC. -#}
{% macro present_moment(filings) -%}
    select max(decided_at) as as_of_at from {{ filings }}
{%- endmacro %}

{#- What was decided last is all that the platform knows of the time: the same filings give the same answer on any day.
    It is a day by UTC, up to eight hours behind China's: nothing is overdue too early. -#}
{% macro present_day(filings) -%}
    select cast(as_of_at as date) as as_of_date from ({{ present_moment(filings) }}) as present_moment
{%- endmacro %}
