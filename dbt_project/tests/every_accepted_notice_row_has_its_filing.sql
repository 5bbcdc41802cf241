-- A row whose filing the registry does not know would vanish from every mart.
select notices.filing_id
from {{ ref('stg_filings__package_notices') }} as notices
left join {{ ref('stg_operations__filings') }} as filings on notices.filing_id = filings.filing_id
where filings.filing_id is null

union all

select transfers.filing_id
from {{ ref('stg_filings__transfer_results') }} as transfers
left join {{ ref('stg_operations__filings') }} as filings on transfers.filing_id = filings.filing_id
where filings.filing_id is null
