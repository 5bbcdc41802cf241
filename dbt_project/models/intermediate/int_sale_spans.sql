{#- One row per package, cohort and span of its sale: its first and last day, and what can be said of it (`span_state`).

    Cohorts: `signed`, by quarter of signing; `listed`, all packages by quarter of their first listing, sold or not; `open`,
    those of them that nobody bought so far, whose span ends at the platform's present. States: `exact` (both days known),
    `inexact` (a month or year only, or a first listing that nobody saw), `missing`, `reversed` (the last day before the
    first), `censored` (not sold yet). -#}
with packages as (

    select * from {{ ref('dim_packages') }}

),

transfers as (

    select * from {{ ref('fct_transfers') }}
    where is_completed

),

notices as (

    select * from {{ ref('fct_notices') }}
    where is_current
        and notice_stage in ('teaser', 'listing')

),

present as (

    {{ present_day(ref('stg_operations__filings')) }}

),

-- A re-listing brings a new cut-off date: the first one belongs to the first listing.
first_cutoffs as (

    select
        package_id,
        min(cutoff_date) as cutoff_date
    from notices
    group by package_id

),

sales as (

    select
        packages.package_id,
        coalesce(packages.business, 'unknown') as business,
        coalesce(packages.seller_type, 'unknown') as seller_type,
        coalesce(packages.asset_type, 'unknown') as asset_type,
        packages.is_demo,
        packages.relisting_count > 0 as is_relisted,
        packages.first_listed_date,
        packages.first_listed_quarter,
        coalesce(first_cutoffs.cutoff_date, transfers.cutoff_date) as cutoff_date,
        {{ is_day_exact('packages.first_listed_date_precision') }} and coalesce(packages.is_first_listing_observed, false)
            as is_listing_exact,
        transfers.signed_date,
        transfers.signed_quarter,
        {{ is_day_exact('transfers.signed_date_precision') }} as is_signing_exact,
        transfers.settled_date,
        transfers.registered_date,
        packages.status <> 'completed' as is_open,
        present.as_of_date
    from packages
    left join transfers on packages.package_id = transfers.package_id
    left join first_cutoffs on packages.package_id = first_cutoffs.package_id
    cross join present

),

{% set dates = {
    'cutoff': ('cutoff_date', 'true'),
    'listing': ('first_listed_date', 'is_listing_exact'),
    'signing': ('signed_date', 'is_signing_exact'),
    'settlement': ('settled_date', 'true'),
    'registration': ('registered_date', 'true'),
    'as_of': ('as_of_date', 'true'),
} -%}
{% set cohorts = {
    'signed': ('signed_quarter', 'signed_date is not null', [('cutoff', 'listing'), ('listing', 'signing'),
               ('cutoff', 'signing'), ('signing', 'settlement'), ('signing', 'registration')]),
    'listed': ('first_listed_quarter', 'first_listed_date is not null', [('cutoff', 'listing'), ('listing', 'signing')]),
    'open': ('first_listed_quarter', 'first_listed_date is not null and is_open', [('listing', 'as_of')]),
} -%}
spans as (

    {% for cohort, (quarter, condition, cohort_spans) in cohorts.items() -%}
    {% set outer = loop -%}
    {% for first, last in cohort_spans -%}
    select
        package_id,
        '{{ cohort }}' as cohort,
        {{ quarter }} as quarter,
        business,
        seller_type,
        asset_type,
        is_demo,
        is_relisted,
        '{{ first }}_to_{{ last }}' as span,
        {{ dates[first][0] }} as first_date,
        {{ dates[first][1] }} as is_first_exact,
        {{ dates[last][0] }} as last_date,
        {{ dates[last][1] }} as is_last_exact,
        {{ "is_open" if last == 'signing' else "false" }} as is_censored,
        as_of_date
    from sales
    where {{ condition }}
    {{ 'union all' if not (loop.last and outer.last) }}
    {% endfor -%}
    {%- endfor %}

),

judged as (

    select
        *,
        case
            when is_censored then 'censored'
            when first_date is null or last_date is null then 'missing'
            when not is_first_exact or not is_last_exact then 'inexact'
            when last_date < first_date then 'reversed'
            else 'exact'
        end as span_state,
        case when is_first_exact then {{ days_between('first_date', 'as_of_date') }} end as days_to_present
    from spans

)

select
    *,
    case when span_state = 'exact' then {{ days_between('first_date', 'last_date') }} end as days
from judged
