with source as (

    select * from {{ source('filings', 'compliance_return') }}

)

select
    -- where the row was filed
    filing_id,
    filing_institution,
    filing_period,
    cast(row_number as bigint) as row_number,
    standard_version,
    -- the standard's fields
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
    -- why a field is empty (ND1 .. ND5, HIDDEN)
    missing_reasons
from source
