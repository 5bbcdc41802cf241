-- Without the standard's days of grace nobody would ever be overdue, silently.
select package_id
from {{ ref('fct_transfers') }}
where reconciliation_status in ('pending', 'one_sided')
    and counterpart_due_date is null
