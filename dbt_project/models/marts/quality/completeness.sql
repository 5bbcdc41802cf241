with fields as (

    select * from {{ ref('stg_operations__completeness') }}

),

filings as (

    select * from {{ ref('stg_operations__filings') }}

),

joined as (

    select
        fields.*,
        filings.institution_id,
        filings.subject_id,
        filings.period,
        filings.standard_version,
        filings.verdict,
        filings.state,
        filings.is_in_force,
        filings.decided_at,
        filings.is_demo
    from fields
    inner join filings on fields.filing_id = filings.filing_id

),

-- A field that allows no reason for a missing value is not scored, so its cells are no part of any sum.
{% for level, keys, scope in [
    ('table', 'filing_id, table_name', 'true'),
    ('filing', 'filing_id', 'true'),
    ('institution', 'institution_id', 'is_in_force'),
] -%}
{{ level }}_sums as (

    select
        {{ keys }},
        sum(not_collected_count) as not_collected_count,
        sum(nd2_4_count) as nd2_4_count,
        sum(asked_count) as asked_count
    from joined
    where asked_count > 0 and {{ scope }}
    group by {{ keys }}

){% if not loop.last %},{% endif %}

{% endfor %}
select
    joined.filing_id,
    joined.table_name,
    joined.field_name,
    joined.institution_id,
    joined.subject_id,
    joined.period,
    joined.standard_version,
    joined.verdict,
    joined.state,
    joined.is_in_force,
    joined.decided_at,
    joined.rows_filed,
    joined.asked_count,
    joined.nd1_count,
    joined.nd2_4_count,
    joined.nd5_count,
    joined.hidden_count,
    joined.blank_count,
    joined.unexplained_count,
    {{ ratio('joined.not_collected_count', 'joined.asked_count') }} as not_collected_ratio,
    {{ ratio('joined.nd2_4_count', 'joined.asked_count') }} as nd2_4_ratio,
    {{ completeness_score('joined.not_collected_count', 'joined.nd2_4_count', 'joined.asked_count') }} as field_score,
    {% for level in ['table', 'filing', 'institution'] -%}
    {% set sums = level ~ '_sums' -%}
    {{ completeness_score(sums ~ '.not_collected_count', sums ~ '.nd2_4_count', sums ~ '.asked_count') }}
        as {{ level }}_score,
    {% endfor -%}
    joined.is_demo
from joined
left join table_sums
    on joined.filing_id = table_sums.filing_id
    and joined.table_name = table_sums.table_name
left join filing_sums on joined.filing_id = filing_sums.filing_id
left join institution_sums on joined.institution_id = institution_sums.institution_id
