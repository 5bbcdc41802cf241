with returns as (

    {{ compliance_rows(['technology']) }}

)

select
    {{ compliance_identity('returns') }},
    returns.subject_key,
    returns.subject_name,
    returns.model_registration_number,
    returns.model_registration_number is not null as is_registered,
    returns.missing_reasons['model_registration_number'] as registration_missing_reason,
    -- what it joins; null where the data were not filed
    returns.data_used,
    {% for column, code in [('registry', 'REG'), ('court', 'COURT'), ('news', 'NEWS')] -%}
    ';' || replace(returns.data_used, ' ', '') || ';' like '%;{{ code }};%' as is_{{ column }}_data_used,
    {% endfor -%}
    returns.priced_package_count,
    returns.human_reviewed_package_count,
    cast(returns.priced_package_count - returns.human_reviewed_package_count as bigint) as unreviewed_package_count,
    {{ ratio('returns.human_reviewed_package_count', 'returns.priced_package_count') }} as human_reviewed_ratio,
    returns.is_demo
from returns
