{#- An update adds new filings to a warehouse that stands, and gives what a build from nothing gives (docs/adr/0031). What
    grows with loans is not made anew: each such model makes all rows of the loans or packages that changed, and no other.
    A window never reaches beyond one loan or package there, so it sees all that it sees in a build from nothing. -#}

{#- How a model that grows with loans is kept. Spark builds from nothing each time: deleting rows of a Parquet table takes a
    table format. -#}
{% macro growing() -%}
    {{ return('incremental' if target.type == 'duckdb' else 'table') }}
{%- endmacro %}

{#- Whether a model that grows stands already and gets more. -#}
{% macro is_update() -%}
    {{ return(model.config.materialized == 'incremental' and is_incremental()) }}
{%- endmacro %}

{#- A table of core as the last build left it; none when there was none, or when it counts for nothing. Only for models that
    core's table itself comes after. -#}
{% macro built_before(name) -%}
    {%- if execute and target.type == 'duckdb' and not flags.FULL_REFRESH and model.config.materialized != 'unit' -%}
        {{ return(adapter.get_relation(database=target.database, schema='core', identifier=name)) }}
    {%- endif -%}
    {{ return(none) }}
{%- endmacro %}

{#- The tables that hold loans, each with its rows as filed. -#}
{% macro tables_of_loans() -%}
    {{ return({
        'fct_loans': 'stg_filings__loans',
        'fct_collateral': 'stg_filings__collateral',
        'fct_recoveries': 'stg_filings__recoveries',
    }) }}
{%- endmacro %}

{#- Where an update has to look for rows as filed: in filings that the table does not hold yet. -#}
{% macro in_new_filings(table) -%}
    filing_id in (
        select filing_id from {{ ref('int_changed_filings') }} where is_new and table_name = '{{ table }}'
    )
{%- endmacro %}

{% macro of_touched(key, relation) -%}
    {{ key }} in (select {{ key }} from {{ ref(relation) }})
{%- endmacro %}

{#- Before an update writes a model's rows of what changed, those of the last build go. -#}
{% macro forget(key, relation) -%}
    {%- if is_update() -%}
        delete from {{ this }} where {{ of_touched(key, relation) }}
    {%- endif -%}
{%- endmacro %}
