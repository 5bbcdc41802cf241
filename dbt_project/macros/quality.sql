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

{#- The day in China of a moment, UTC. China has kept one offset since 1991, so no database has to know time zones. -#}
{% macro china_day(moment) -%}
    cast({{ dbt.dateadd('hour', 8, moment) }} as date)
{%- endmacro %}

{#- Last day of a filing's period: `2026-10`, `2026Q3` or `2026`. -#}
{% macro period_end(period) -%}
    case
        when {{ period }} like '____-__'
            then {{ dbt.last_day("cast(" ~ period ~ " || '-01' as date)", 'month') }}
        when {{ period }} like '____Q_'
            then {{ dbt.last_day(
                "cast(substr(" ~ period ~ ", 1, 4) || case substr(" ~ period ~ ", 6, 1) when '1' then '-03' when '2' then '-06'"
                ~ " when '3' then '-09' else '-12' end || '-01' as date)", 'month'
            ) }}
        else cast({{ period }} || '-12-31' as date)
    end
{%- endmacro %}

{#- A parameter of the standard, in a FROM clause that holds `stg_reference__parameters` as `parameters`. -#}
{% macro parameter_value(name, data_type) -%}
    max(case when parameter_name = '{{ name }}' then cast(value as {{ data_type }}) end) as {{ name }}
{%- endmacro %}
