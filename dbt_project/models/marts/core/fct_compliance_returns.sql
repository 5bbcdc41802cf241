with returns as (

    select * from {{ ref('stg_filings__compliance_returns') }}

),

filings as (

    select * from {{ ref('stg_operations__filings') }}

),

names as (

    select * from {{ ref('stg_reference__institution_names') }}

),

institutions as (

    select * from {{ ref('stg_reference__institutions') }}

),

items as (

    select * from {{ ref('stg_reference__code_lists') }}
    where list_name = 'compliance_item'

),

resolved as (

    select
        returns.*,
        items.parent_code as item_group,
        names.institution_id,
        institutions.institution_type,
        {{ institution_key('names.institution_id', 'returns.institution_name') }} as institution_key,
        {{ normalised_name('returns.subject_name') }} as subject_key,
        filings.known_from,
        filings.known_to,
        filings.is_in_force,
        filings.is_demo
    from returns
    inner join filings on returns.filing_id = filings.filing_id
    left join items on returns.item = items.code
    left join names on {{ bears_name('names', 'returns.institution_name', 'returns.period_end_date') }}
    left join institutions on names.institution_id = institutions.institution_id

),

ranked as (

    select
        *,
        row_number() over (
            partition by institution_key, period_start_date, period_end_date, item, subject_key, is_in_force
            order by known_from desc nulls last, filing_id desc, row_number desc
        ) as return_rank
    from resolved

)

select
    -- ids
    filing_id,
    row_number,
    institution_key,
    institution_id,
    institution_type,
    item_group,
    subject_key,
    -- as filed
    institution_name,
    period_start_date,
    period_end_date,
    item,
    subject_name,
    subject_uscc,
    licence_number,
    licence_authority,
    licence_valid_from_date,
    licence_valid_to_date,
    placed_account_count,
    placed_amount_cny,
    complaint_open_count,
    complaint_received_count,
    complaint_resolved_count,
    incident_count,
    action_taken,
    staff_count,
    qualified_staff_count,
    model_registration_number,
    data_used,
    priced_package_count,
    human_reviewed_package_count,
    duty_due_count,
    duty_met_count,
    duty_late_count,
    duty_missing_count,
    tax_relief_claimed_cny,
    tax_relief_project_count,
    remarks,
    missing_reasons,
    standard_version,
    filing_institution,
    -- which rows count
    is_in_force,
    is_in_force and return_rank = 1 as is_current,
    is_demo,
    -- two time axes
    period_start_date as valid_from,
    cast({{ dbt.dateadd('day', 1, 'period_end_date') }} as date) as valid_to,
    known_from,
    known_to
from ranked
