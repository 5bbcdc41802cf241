{{ config(
    materialized=growing(), incremental_strategy='append', on_schema_change='fail',
    pre_hook="{{ forget('loan_key', 'int_touched_titles') }}"
) }}
-- depends_on: {{ ref('int_touched_titles') }}
with loans as (

    select
        filing_id,
        row_number,
        loan_number,
        package_id,
        originator_id,
        loan_key,
        originator_name,
        origination_date,
        cutoff_date,
        principal_cny,
        is_demo,
        known_from
    from {{ ref('fct_loans') }}
    where is_current
    {%- if is_update() %}
        and {{ of_touched('loan_key', 'int_touched_titles') }}
    {%- endif %}

),

transfers as (

    select * from {{ ref('fct_transfers') }}
    where is_completed

),

institutions as (

    select * from {{ ref('dim_institutions') }}

),

-- Where every chain begins: who made the loan, as its first tape says.
tapes as (

    select
        *,
        {{ institution_key('originator_id', 'originator_name') }} as originator_key,
        row_number() over (
            partition by loan_key order by cutoff_date, known_from, filing_id, row_number
        ) as tape_order
    from loans

),

origins as (

    select
        loan_key,
        max(case when tape_order = 1 then originator_key end) as originator_key,
        count(distinct originator_key) > 1 as is_originator_disputed
    from tapes
    group by loan_key

),

-- A completed deal sells the loans on its package's tape.
deals as (

    select
        loans.loan_key,
        loans.principal_cny as loan_principal_cny,
        loans.known_from as tape_known_from,
        loans.is_demo as is_demo_tape,
        transfers.*,
        {{ institution_key('transfers.seller_id', 'transfers.seller_name') }} as seller_key,
        {{ institution_key('transfers.buyer_id', 'transfers.buyer_name') }} as buyer_key
    from loans
    inner join transfers on loans.package_id = transfers.package_id

),

same_day_purchases as (

    select distinct
        loan_key,
        signed_date,
        buyer_key
    from deals

),

-- In the order of signing; of two deals of one day the one that sells what the other bought comes after it.
sales as (

    select
        deals.*,
        cast(row_number() over (
            partition by deals.loan_key
            order by
                deals.signed_date,
                case when same_day_purchases.buyer_key is null then 0 else 1 end,
                deals.package_id
        ) as bigint) as position
    from deals
    left join same_day_purchases
        on deals.loan_key = same_day_purchases.loan_key
        and deals.signed_date = same_day_purchases.signed_date
        and deals.seller_key = same_day_purchases.buyer_key

),

-- What came before each sale: the last time its seller sold this loan, the last time it bought it, and whether somebody
-- else had already sold the loan in a personal batch.
earlier as (

    select
        sales.loan_key,
        sales.position,
        max(case when before.seller_key = sales.seller_key then before.position end) as last_sold_position,
        max(case when before.buyer_key = sales.seller_key then before.position end) as last_bought_position,
        max(case when before.business = 'batch_personal' and before.seller_key <> sales.seller_key then 1 else 0 end) = 1
            as is_after_personal_sale
    from sales
    inner join sales as before on sales.loan_key = before.loan_key and before.position < sales.position
    group by sales.loan_key, sales.position

),

steps as (

    select
        tapes.loan_key,
        tapes.loan_number,
        cast(0 as bigint) as position,
        'origination' as event,
        tapes.origination_date as event_date,
        'day' as event_date_precision,
        cast(null as {{ dbt.type_string() }}) as package_id,
        cast(null as {{ dbt.type_string() }}) as project_code,
        cast(null as {{ dbt.type_string() }}) as seller_id,
        cast(null as {{ dbt.type_string() }}) as seller_name,
        cast(null as {{ dbt.type_string() }}) as seller_key,
        tapes.originator_id as holder_after_id,
        tapes.originator_name as holder_after_name,
        tapes.originator_key as holder_after_key,
        cast(null as {{ dbt.type_string() }}) as business,
        cast(null as decimal(18,2)) as principal_cny,
        cast(null as bigint) as last_sold_position,
        cast(null as bigint) as last_bought_position,
        false as is_after_personal_sale,
        cast(null as boolean) as is_filed_as_resale,
        cast(null as boolean) as is_related_party,
        cast(null as {{ dbt.type_string() }}) as reconciliation_status,
        origins.is_originator_disputed,
        tapes.is_demo,
        tapes.known_from
    from tapes
    inner join origins on tapes.loan_key = origins.loan_key
    where tapes.tape_order = 1

    union all

    select
        sales.loan_key,
        first_tapes.loan_number,
        sales.position,
        'sale' as event,
        sales.signed_date as event_date,
        sales.signed_date_precision as event_date_precision,
        sales.package_id,
        sales.project_code,
        sales.seller_id,
        sales.seller_name,
        sales.seller_key,
        sales.buyer_id as holder_after_id,
        sales.buyer_name as holder_after_name,
        sales.buyer_key as holder_after_key,
        sales.business,
        sales.loan_principal_cny as principal_cny,
        earlier.last_sold_position,
        earlier.last_bought_position,
        coalesce(earlier.is_after_personal_sale, false) as is_after_personal_sale,
        sales.is_resale as is_filed_as_resale,
        sales.is_related_party,
        sales.reconciliation_status,
        origins.is_originator_disputed,
        sales.is_demo or sales.is_demo_tape as is_demo,
        greatest(sales.known_from, sales.tape_known_from) as known_from
    from sales
    inner join origins on sales.loan_key = origins.loan_key
    inner join tapes as first_tapes on sales.loan_key = first_tapes.loan_key and first_tapes.tape_order = 1
    left join earlier on sales.loan_key = earlier.loan_key and sales.position = earlier.position

),

linked as (

    select
        *,
        lag(holder_after_id) over (partition by loan_key order by position) as holder_before_id,
        lag(holder_after_name) over (partition by loan_key order by position) as holder_before_name,
        lag(holder_after_key) over (partition by loan_key order by position) as holder_before_key,
        lead(event_date) over (partition by loan_key order by position) as next_event_date,
        lead(position) over (partition by loan_key order by position) as next_position
    from steps

)

select
    -- ids
    linked.loan_number,
    linked.loan_key,
    linked.position,
    linked.event,
    linked.package_id,
    linked.project_code,
    -- dates
    linked.event_date,
    linked.event_date_precision,
    -- who held it, who sold it, who holds it now
    linked.holder_before_id,
    linked.holder_before_name,
    linked.seller_id,
    linked.seller_name,
    linked.holder_after_id,
    linked.holder_after_name,
    -- the deal
    linked.business,
    linked.principal_cny,
    linked.reconciliation_status,
    -- flags of the step: who took the holder over sells in its right, from the day on which the holder ceased to be
    linked.event = 'sale'
        and linked.holder_before_key is not null
        and linked.holder_before_key <> linked.seller_key
        and not coalesce(
            holders.current_institution_id = sellers.current_institution_id
            and holders.valid_to <= linked.event_date, false
        ) as is_break,
    linked.event = 'sale'
        and linked.last_sold_position is not null
        and coalesce(linked.last_bought_position < linked.last_sold_position, true) as is_double_sale,
    first_sales.package_id as double_sale_of_package_id,
    linked.event = 'sale'
        and linked.business = 'batch_personal'
        and linked.is_after_personal_sale as is_resale_of_personal,
    linked.is_filed_as_resale,
    linked.is_related_party,
    linked.is_originator_disputed,
    linked.next_position is null as is_last,
    linked.is_demo,
    -- two time axes
    linked.event_date as valid_from,
    linked.next_event_date as valid_to,
    linked.known_from,
    cast(null as timestamp) as known_to
from linked
left join institutions as holders on linked.holder_before_id = holders.institution_id
left join institutions as sellers on linked.seller_id = sellers.institution_id
left join sales as first_sales
    on linked.loan_key = first_sales.loan_key
    and linked.last_sold_position = first_sales.position
    and coalesce(linked.last_bought_position < linked.last_sold_position, true)
