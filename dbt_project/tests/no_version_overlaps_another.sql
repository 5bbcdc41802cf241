{% for relation in ['fct_transfer_versions', 'dim_package_versions'] %}
select
    '{{ relation }}' as relation,
    earlier.package_id,
    earlier.known_from
from {{ ref(relation) }} as earlier
inner join {{ ref(relation) }} as later
    on earlier.package_id = later.package_id
    and earlier.known_from < later.known_from
where earlier.known_to is null
    or earlier.known_to > later.known_from
{{ 'union all' if not loop.last }}
{% endfor %}
