{#- What the project needs on Spark beyond the models' own SQL. Macros named `spark__...` stand in for the adapter's own. -#}

{#- The accepted zone and the exports as tables. DuckDB reads each source's `external_location` by itself; on Spark the same
    folder or file becomes an external table of the source's schema and name, made anew before every build.

    Partition folders are no columns here either, and a filing of an older version of the standard may lack columns. -#}
{% macro declare_sources() -%}
    {%- if execute -%}
        {%- do adapter.dispatch('declare_sources', 'npl_warehouse')() -%}
    {%- endif -%}
{%- endmacro %}

{% macro default__declare_sources() -%}{%- endmacro %}

{% macro spark__declare_sources() -%}
    {%- for source in graph.sources.values() -%}
        {%- do run_query('create schema if not exists ' ~ source.schema) -%}
        {%- set relation = source.schema ~ '.' ~ source.identifier -%}
        {%- do run_query('drop table if exists ' ~ relation) -%}
        {%- do run_query(
            'create table ' ~ relation ~ " using parquet options (path '" ~ source_path(source) ~ "', mergeSchema 'true', "
            ~ "recursiveFileLookup 'true', pathGlobFilter '*.parquet')"
        ) -%}
    {%- endfor -%}
{%- endmacro %}

{#- The folder or file that a source's `external_location` reads, quoted for Spark: `read_parquet('PATH/**/*.parquet', ..)`. -#}
{% macro source_path(source) -%}
    {%- set quoted = modules.re.search("^read_parquet\\('((?:[^']|'')+)'", source.config.meta.external_location) -%}
    {%- if not quoted -%}
        {{ exceptions.raise_compiler_error('no path in the external_location of source ' ~ source.unique_id) }}
    {%- endif -%}
    {%- set path = quoted.group(1) | replace("''", "\\'") | replace('{name}', source.name) | replace('/**/*.parquet', '') -%}
    {{ return(path) }}
{%- endmacro %}

{#- A type of a model's contract, written for DuckDB, in Spark's words. -#}
{% macro spark_type(data_type) -%}
    {%- set name = data_type | lower | replace('varchar', 'string') -%}
    {{ return(name | replace('(', '<') | replace(')', '>') if name.startswith('map') else name) }}
{%- endmacro %}

{% macro spark__get_empty_schema_sql(columns) -%}
    select
    {% for column in columns.values() -%}
        cast(null as {{ spark_type(column['data_type']) }}) as {{ column['name'] }}{{ ', ' if not loop.last }}
    {%- endfor %}
{%- endmacro %}

{#- Parquet tables hold no constraints, so what a contract says is never null is looked at once the table is written. -#}
{% macro spark__persist_constraints(relation, model) -%}
    {%- set conditions = [] -%}
    {%- for column in model.columns.values() -%}
        {%- if column.constraints | selectattr('type', 'equalto', 'not_null') | list -%}
            {%- do conditions.append(column.name ~ ' is null') -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if conditions and model.config.contract.enforced -%}
        {%- set broken = run_query(
            'select count(*) from ' ~ relation ~ ' where ' ~ conditions | join(' or ')
        ).columns[0].values()[0] -%}
        {%- if broken -%}
            {{ exceptions.raise_compiler_error(relation ~ ': ' ~ broken ~ ' rows where ' ~ conditions | join(' or ')) }}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{#- The adapter's own goes through seconds since 1970 and gives a time in the session's zone. Days, months and years are
    added to dates here, hours to moments; nothing else is asked for. -#}
{% macro spark__dateadd(datepart, interval, from_date_or_timestamp) -%}
    {%- set months = {'month': 1, 'quarter': 3, 'year': 12} -%}
    {%- if datepart == 'day' -%}
        date_add({{ from_date_or_timestamp }}, cast({{ interval }} as int))
    {%- elif datepart in months -%}
        add_months({{ from_date_or_timestamp }}, cast({{ months[datepart] }} * ({{ interval }}) as int))
    {%- elif datepart == 'hour' -%}
        ({{ from_date_or_timestamp }} + make_dt_interval(0, {{ interval }}))
    {%- else -%}
        {{ exceptions.raise_compiler_error('dateadd knows no ' ~ datepart ~ ' on Spark') }}
    {%- endif -%}
{%- endmacro %}

{#- The adapter's own is wrong for quarters: days alone. -#}
{% macro spark__datediff(first_date, second_date, datepart) -%}
    {%- if datepart != 'day' -%}
        {{ exceptions.raise_compiler_error('datediff knows no ' ~ datepart ~ ' on Spark') }}
    {%- endif -%}
    datediff({{ second_date }}, {{ first_date }})
{%- endmacro %}

{#- The adapter's own leaves the order out. -#}
{% macro spark__listagg(measure, delimiter_text, order_by_clause, limit_num) -%}
    {%- if not order_by_clause or limit_num -%}
        {{ exceptions.raise_compiler_error('listagg needs an order and knows no limit on Spark') }}
    {%- endif -%}
    listagg({{ measure }}, {{ delimiter_text }}) within group ({{ order_by_clause }})
{%- endmacro %}

{#- The adapter's own writes an empty cell as the text `None` and breaks at a quotation mark. -#}
{% macro spark__load_csv_rows(model, agate_table) -%}
    {%- set types = model['config'].get('column_types', {}) -%}
    {%- set statement_text -%}
        insert into {{ this.render() }} values
        {% for row in agate_table.rows -%}
        ({%- for value in row -%}
            cast(
                {%- if value is none %}null{% else %}'{{ value | string | replace('\\', '\\\\') | replace("'", "\\'") }}'{% endif %}
                as {{ types[agate_table.column_names[loop.index0]] }})
            {{- ', ' if not loop.last }}
        {%- endfor -%}){{ ', ' if not loop.last }}
        {% endfor %}
    {%- endset -%}
    {%- do adapter.add_query(statement_text, abridge_sql_log=True) -%}
    {{ return(statement_text) }}
{%- endmacro %}
