{#- The normal form of an institution's name: half-width brackets, no spaces of any kind.
    `ingest.register.normalise_name` is the same form in Python; a test holds the two equal. -#}
{% macro normalised_name(column) -%}
    {%- set spaces = ["' '", "'　'", "'\u00a0'", "chr(9)", "chr(10)", "chr(12)", "chr(13)"] -%}
    {%- set ns = namespace(sql="replace(replace(" ~ column ~ ", '（', '('), '）', ')')") -%}
    {%- for space in spaces -%}
        {%- set ns.sql = "replace(" ~ ns.sql ~ ", " ~ space ~ ", '')" -%}
    {%- endfor -%}
    {{ ns.sql }}
{%- endmacro %}

{#- An empty text is no value: a CSV export has no nulls. -#}
{% macro text_or_null(column) -%}
    nullif(trim(cast({{ column }} as {{ dbt.type_string() }})), '')
{%- endmacro %}

{% macro date_or_null(column) -%}
    cast({{ text_or_null(column) }} as date)
{%- endmacro %}

{#- Whether a name of the register is borne by what a filing calls `called` on `day`: join the names on it. -#}
{% macro bears_name(names, called, day) -%}
    {{ normalised_name(called) }} = {{ names }}.name
        and {{ day }} >= coalesce({{ names }}.valid_from, {{ day }})
        and {{ day }} <= coalesce({{ names }}.valid_to, {{ day }})
{%- endmacro %}

{#- Who is meant, known to the register or not: its id there, else its name in normal form. -#}
{% macro institution_key(identifier, name) -%}
    coalesce({{ identifier }}, {{ normalised_name(name) }})
{%- endmacro %}

{#- Who stands behind a name today: the institution of the register after all mergers, else the name in normal form; null
    when nobody is named (`某银行(未具名)`). -#}
{% macro party_today(institutions, name) -%}
    coalesce(
        {{ institutions }}.current_institution_id,
        case
            when {{ normalised_name(name) }} like '某%' or {{ normalised_name(name) }} like '%未具名%' then null
            else nullif({{ normalised_name(name) }}, '')
        end
    )
{%- endmacro %}
