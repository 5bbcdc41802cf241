-- The `where` that asks for any day's knowledge, asked of the last moment, gives what is in force: no more and no less.
{% set last_moment -%}
(select max(coalesce(known_to, known_from)) from {{ ref('stg_operations__filings') }})
{%- endset -%}
{% for relation in ['fct_notices', 'fct_loans', 'fct_collateral', 'fct_recoveries', 'fct_transfer_versions',
                    'dim_package_versions'] %}
select
    '{{ relation }}' as relation,
    present.row_count as present_rows,
    known.row_count as known_rows
from (select count(*) as row_count from {{ ref(relation) }} where known_to is null) as present
cross join (select count(*) as row_count from {{ as_known_on(ref(relation), last_moment) }} as rows_known) as known
where present.row_count <> known.row_count
{{ 'union all' if not loop.last }}
{% endfor %}
