-- A ring of successors, or a chain longer than dim_institutions follows, has no end.
select institutions.institution_id
from {{ ref('dim_institutions') }} as institutions
inner join {{ ref('dim_institutions') }} as heirs on institutions.current_institution_id = heirs.institution_id
where heirs.successor_id is not null
