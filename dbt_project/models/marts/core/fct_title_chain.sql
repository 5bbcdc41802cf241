{{ config(
    materialized=growing(), incremental_strategy='append', on_schema_change='fail',
    pre_hook="{{ forget('loan_number', 'int_touched_titles') }}"
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
        and {{ of_touched('loan_number', 'int_touched_titles') }}
    {%- endif %}

),

transfers as (

    select * from {{ ref('fct_transfers') }}
    where is_completed

),

institutions as (

    select * from {{ ref('dim_institutions') }}

),

-- Most loans stand on one tape and are sold once: what has to be put in order is a fraction, and only that is sorted. The
-- deals of loans come to as many rows as tapes do, so they carry numbers here and get their names at the end.
repeated as (

    select loan_number
    from loans
    group by loan_number
    having count(*) > 1

),

tapes as (

    select
        *,
        {{ institution_key('originator_id', 'originator_name') }} as originator_key
    from loans

),

ordered_tapes as (

    select
        tapes.*,
        row_number() over (
            partition by tapes.loan_number
            order by tapes.cutoff_date, tapes.known_from, tapes.filing_id, tapes.row_number
        ) as tape_order
    from tapes
    inner join repeated on tapes.loan_number = repeated.loan_number

),

disputed as (

    select loan_number
    from ordered_tapes
    group by loan_number
    having count(distinct originator_key) > 1

),

-- Where every chain begins: who made the loan, as its first tape says.
origins as (

    select
        tapes.loan_number,
        tapes.loan_key,
        tapes.originator_id,
        tapes.originator_name,
        tapes.originator_key,
        tapes.origination_date,
        tapes.is_demo,
        tapes.known_from,
        false as is_originator_disputed
    from tapes
    left join repeated on tapes.loan_number = repeated.loan_number
    where repeated.loan_number is null

    union all

    select
        ordered_tapes.loan_number,
        ordered_tapes.loan_key,
        ordered_tapes.originator_id,
        ordered_tapes.originator_name,
        ordered_tapes.originator_key,
        ordered_tapes.origination_date,
        ordered_tapes.is_demo,
        ordered_tapes.known_from,
        disputed.loan_number is not null as is_originator_disputed
    from ordered_tapes
    left join disputed on ordered_tapes.loan_number = disputed.loan_number
    where ordered_tapes.tape_order = 1

),

parties as (

    select
        *,
        {{ institution_key('seller_id', 'seller_name') }} as seller_key,
        {{ institution_key('buyer_id', 'buyer_name') }} as buyer_key
    from transfers

),

-- A completed deal sells the loans on its package's tape.
deals as (

    select
        loans.loan_number,
        loans.package_id,
        loans.principal_cny,
        loans.is_demo as is_demo_tape,
        loans.known_from as tape_known_from,
        parties.signed_date
    from loans
    inner join parties on loans.package_id = parties.package_id

),

repeated_deals as (

    select
        deals.*,
        parties.seller_key,
        parties.buyer_key,
        parties.buyer_id,
        parties.buyer_name,
        parties.business
    from deals
    inner join repeated on deals.loan_number = repeated.loan_number
    inner join parties on deals.package_id = parties.package_id

),

same_day_purchases as (

    select distinct
        loan_number,
        signed_date,
        buyer_key
    from repeated_deals

),

-- In the order of signing; of two deals of one day the one that sells what the other bought comes after it.
sales as (

    select
        repeated_deals.*,
        cast(row_number() over (
            partition by repeated_deals.loan_number
            order by
                repeated_deals.signed_date,
                case when same_day_purchases.buyer_key is null then 0 else 1 end,
                repeated_deals.package_id
        ) as bigint) as position
    from repeated_deals
    left join same_day_purchases
        on repeated_deals.loan_number = same_day_purchases.loan_number
        and repeated_deals.signed_date = same_day_purchases.signed_date
        and repeated_deals.seller_key = same_day_purchases.buyer_key

),

-- What came before each sale: the last time its seller sold this loan, the last time it bought it, and whether somebody
-- else had already sold the loan in a personal batch.
earlier as (

    select
        sales.loan_number,
        sales.position,
        max(case when before.seller_key = sales.seller_key then before.position end) as last_sold_position,
        max(case when before.buyer_key = sales.seller_key then before.position end) as last_bought_position,
        max(case when before.business = 'batch_personal' and before.seller_key <> sales.seller_key then 1 else 0 end) = 1
            as is_after_personal_sale
    from sales
    inner join sales as before on sales.loan_number = before.loan_number and before.position < sales.position
    group by sales.loan_number, sales.position

),

-- Each sale of a loan with several tapes between the sales beside it.
neighbours as (

    select
        sales.loan_number,
        sales.package_id,
        sales.position,
        before.buyer_id as holder_before_id,
        before.buyer_name as holder_before_name,
        before.buyer_key as holder_before_key,
        after.signed_date as next_event_date,
        after.position is null as is_last,
        earlier.last_sold_position is not null
            and coalesce(earlier.last_bought_position < earlier.last_sold_position, true) as is_double_sale,
        coalesce(earlier.is_after_personal_sale, false) as is_after_personal_sale,
        sold_before.package_id as double_sale_of_package_id
    from sales
    left join sales as before on sales.loan_number = before.loan_number and sales.position = before.position + 1
    left join sales as after on sales.loan_number = after.loan_number and sales.position = after.position - 1
    left join earlier on sales.loan_number = earlier.loan_number and sales.position = earlier.position
    left join sales as sold_before
        on sales.loan_number = sold_before.loan_number
        and earlier.last_sold_position = sold_before.position
        and coalesce(earlier.last_bought_position < earlier.last_sold_position, true)

),

first_sales as (

    select
        deals.loan_number,
        deals.signed_date
    from deals
    left join repeated on deals.loan_number = repeated.loan_number
    where repeated.loan_number is null

    union all

    select
        loan_number,
        signed_date
    from sales
    where position = 1

),

linked as (

    select
        origins.loan_number,
        origins.loan_key,
        cast(0 as bigint) as position,
        'origination' as event,
        cast(null as {{ dbt.type_string() }}) as package_id,
        origins.origination_date as event_date,
        cast(null as {{ dbt.type_string() }}) as holder_before_id,
        cast(null as {{ dbt.type_string() }}) as holder_before_name,
        cast(null as {{ dbt.type_string() }}) as holder_before_key,
        origins.originator_id as holder_after_id,
        origins.originator_name as holder_after_name,
        cast(null as decimal(18,2)) as principal_cny,
        false as is_double_sale,
        cast(null as {{ dbt.type_string() }}) as double_sale_of_package_id,
        false as is_after_personal_sale,
        origins.is_originator_disputed,
        first_sales.loan_number is null as is_last,
        origins.is_demo,
        first_sales.signed_date as next_event_date,
        origins.known_from
    from origins
    left join first_sales on origins.loan_number = first_sales.loan_number

    union all

    select
        deals.loan_number,
        origins.loan_key,
        coalesce(neighbours.position, 1) as position,
        'sale' as event,
        deals.package_id,
        deals.signed_date as event_date,
        case when neighbours.position > 1 then neighbours.holder_before_id else origins.originator_id end as holder_before_id,
        case when neighbours.position > 1 then neighbours.holder_before_name else origins.originator_name end
            as holder_before_name,
        case when neighbours.position > 1 then neighbours.holder_before_key else origins.originator_key end
            as holder_before_key,
        cast(null as {{ dbt.type_string() }}) as holder_after_id,
        cast(null as {{ dbt.type_string() }}) as holder_after_name,
        deals.principal_cny,
        coalesce(neighbours.is_double_sale, false) as is_double_sale,
        neighbours.double_sale_of_package_id,
        coalesce(neighbours.is_after_personal_sale, false) as is_after_personal_sale,
        origins.is_originator_disputed,
        coalesce(neighbours.is_last, true) as is_last,
        deals.is_demo_tape as is_demo,
        neighbours.next_event_date,
        deals.tape_known_from as known_from
    from deals
    inner join origins on deals.loan_number = origins.loan_number
    left join neighbours on deals.loan_number = neighbours.loan_number and deals.package_id = neighbours.package_id

)

select
    -- ids
    linked.loan_number,
    linked.loan_key,
    linked.position,
    linked.event,
    linked.package_id,
    parties.project_code,
    -- dates
    linked.event_date,
    case when linked.event = 'sale' then parties.signed_date_precision else 'day' end as event_date_precision,
    -- who held it, who sold it, who holds it now
    linked.holder_before_id,
    linked.holder_before_name,
    parties.seller_id,
    parties.seller_name,
    case when linked.event = 'sale' then parties.buyer_id else linked.holder_after_id end as holder_after_id,
    case when linked.event = 'sale' then parties.buyer_name else linked.holder_after_name end as holder_after_name,
    -- the deal
    parties.business,
    linked.principal_cny,
    parties.reconciliation_status,
    -- flags of the step: who took the holder over sells in its right, from the day on which the holder ceased to be
    linked.event = 'sale'
        and linked.holder_before_key is not null
        and linked.holder_before_key <> parties.seller_key
        and not coalesce(
            holders.current_institution_id = sellers.current_institution_id
            and holders.valid_to <= linked.event_date, false
        ) as is_break,
    linked.is_double_sale,
    linked.double_sale_of_package_id,
    linked.event = 'sale'
        and parties.business = 'batch_personal'
        and linked.is_after_personal_sale as is_resale_of_personal,
    parties.is_resale as is_filed_as_resale,
    parties.is_related_party,
    linked.is_originator_disputed,
    linked.is_last,
    linked.is_demo or coalesce(parties.is_demo, false) as is_demo,
    -- two time axes
    linked.event_date as valid_from,
    linked.next_event_date as valid_to,
    greatest(linked.known_from, coalesce(parties.known_from, linked.known_from)) as known_from,
    cast(null as timestamp) as known_to
from linked
left join parties on linked.package_id = parties.package_id
left join institutions as holders on linked.holder_before_id = holders.institution_id
left join institutions as sellers on parties.seller_id = sellers.institution_id
