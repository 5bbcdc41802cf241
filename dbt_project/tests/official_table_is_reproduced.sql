-- The official table as its readers know it (亿元, 单, %), from the collected sources: one line a published figure.
with expected (period, business, measure, official_value, status) as (

    values
    ('2021', 'all', 'completed_claim', 186.48, 'published'),
    ('2021', 'batch_personal', 'completed_claim', 47.30, 'published'),
    ('2021', 'batch_personal', 'principal_recovery_ratio', 12.57, 'published'),
    ('2021', 'single_corporate', 'principal_recovery_ratio', 69.98, 'published'),
    ('2022', 'all', 'completed_count', 224, 'published'),
    ('2022', 'all', 'completed_claim', 369.93, 'published'),
    ('2022', 'batch_personal', 'completed_claim', 175.70, 'published'),
    ('2022', 'batch_personal', 'discount_ratio', 2.65, 'published'),
    ('2022', 'batch_personal', 'principal_recovery_ratio', 8.19, 'published'),
    ('2023', 'all', 'listed_count', 710, 'published'),
    ('2023', 'all', 'listed_claim', 1529.84, 'published'),
    ('2023', 'all', 'completed_count', 553, 'published'),
    ('2023', 'all', 'completed_claim', 1193.69, 'published'),
    ('2023', 'batch_personal', 'completed_claim', 965.38, 'published'),
    ('2024Q1', 'all', 'listed_count', 86, 'derived'),
    ('2024Q1', 'all', 'listed_claim', 255.7, 'derived'),
    ('2024Q1', 'all', 'completed_count', 66, 'derived'),
    ('2024Q1', 'all', 'completed_claim', 202.3, 'published'),
    ('2024Q1', 'batch_personal', 'completed_claim', 43.0, 'derived'),
    ('2024Q1', 'batch_personal', 'discount_ratio', 4.6, 'derived'),
    ('2024Q1', 'batch_personal', 'principal_recovery_ratio', 8.8, 'derived'),
    ('2024Q2', 'all', 'listed_count', 224, 'derived'),
    ('2024Q2', 'all', 'listed_claim', 546.3, 'derived'),
    ('2024Q2', 'all', 'completed_claim', 429.0, 'published'),
    ('2024Q2', 'batch_personal', 'completed_claim', 348.8, 'derived'),
    ('2024Q3', 'all', 'listed_count', 288, 'published'),
    ('2024Q3', 'all', 'listed_claim', 825.1, 'derived'),
    ('2024Q3', 'all', 'completed_count', 213, 'published'),
    ('2024Q3', 'all', 'completed_claim', 645.0, 'published'),
    ('2024Q3', 'batch_personal', 'completed_claim', 546.6, 'published'),
    ('2024Q3', 'batch_personal', 'discount_ratio', 5.8, 'published'),
    ('2024Q3', 'batch_personal', 'principal_recovery_ratio', 9.4, 'published'),
    ('2024Q4', 'all', 'listed_count', 443, 'published'),
    ('2024Q4', 'all', 'listed_claim', 1234.8, 'published'),
    ('2024Q4', 'all', 'completed_count', 359, 'published'),
    ('2024Q4', 'all', 'completed_claim', 981.7, 'published'),
    ('2024Q4', 'batch_personal', 'completed_claim', 645.05, 'derived'),
    ('2024Q4', 'batch_personal', 'discount_ratio', 4.8, 'corrected'),
    ('2024Q4', 'batch_personal', 'principal_recovery_ratio', 7.3, 'corrected'),
    ('2025Q1', 'all', 'listed_count', 206, 'published'),
    ('2025Q1', 'all', 'listed_claim', 742.7, 'published'),
    ('2025Q1', 'all', 'completed_count', 159, 'published'),
    ('2025Q1', 'all', 'completed_claim', 483.0, 'published'),
    ('2025Q1', 'batch_personal', 'completed_count', 128, 'published'),
    ('2025Q1', 'batch_personal', 'completed_claim', 370.4, 'published'),
    ('2025Q1', 'batch_corporate', 'completed_count', 11, 'published'),
    ('2025Q1', 'batch_corporate', 'completed_claim', 96.4, 'published'),
    ('2025Q1', 'single_corporate', 'completed_count', 20, 'derived'),
    ('2025Q1', 'single_corporate', 'completed_claim', 16.2, 'derived'),
    ('2025Q1', 'batch_personal', 'discount_ratio', 4.1, 'published'),
    ('2025Q1', 'batch_personal', 'principal_recovery_ratio', 6.9, 'published')

),

-- What the official table leaves blank stays blank, as a row that says so; it is never filled by a guess.
blank (period, business, measure) as (

    values
    ('2021', 'all', 'listed_count'),
    ('2022', 'all', 'listed_claim'),
    ('2024Q2', 'all', 'completed_count'),
    ('2023', 'batch_personal', 'discount_ratio'),
    ('2024Q2', 'batch_personal', 'principal_recovery_ratio')

),

reconciliation as (

    select * from {{ ref('official_reconciliation') }}
    where is_preferred

)

select
    expected.period,
    expected.business,
    expected.measure
from expected
left join reconciliation
    on expected.period = reconciliation.period
    and expected.business = reconciliation.business
    and expected.measure = reconciliation.measure
where reconciliation.official_value_yi is null
    or reconciliation.official_value_yi <> expected.official_value
    or reconciliation.status <> expected.status

union all

select
    blank.period,
    blank.business,
    blank.measure
from blank
left join reconciliation
    on blank.period = reconciliation.period
    and blank.business = reconciliation.business
    and blank.measure = reconciliation.measure
where reconciliation.status is null
    or reconciliation.status <> 'not_published'
