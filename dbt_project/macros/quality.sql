{#- ESMA's completeness score, `A1` to `D4`, from numbers of cells; null when none was asked for.
    `expectations.completeness.score` is the same in Python; a test holds the two equal. -#}
{% macro completeness_score(not_collected, collected_elsewhere, asked) -%}
    case
        when coalesce({{ asked }}, 0) = 0 then null
        else
            case
                when {{ ratio(not_collected, asked) }} <= 0 then 'A'
                when {{ ratio(not_collected, asked) }} <= 0.10 then 'B'
                when {{ ratio(not_collected, asked) }} <= 0.30 then 'C'
                else 'D'
            end
            || case
                when {{ ratio(collected_elsewhere, asked) }} <= 0 then '1'
                when {{ ratio(collected_elsewhere, asked) }} <= 0.20 then '2'
                when {{ ratio(collected_elsewhere, asked) }} <= 0.40 then '3'
                else '4'
            end
    end
{%- endmacro %}
