{#- Transfer rows in force, one per package as filed and side: seller, buyer, observer (the desk's, from a public notice). -#}
with transfers as (

    select * from {{ ref('int_filed_transfers') }}

),

ranked as (

    select
        *,
        row_number() over (
            partition by filed_package_id, side
            order by signed_date desc nulls last, known_from desc nulls last, filing_id desc, row_number desc
        ) as side_rank
    from transfers
    where is_in_force

)

select * from ranked
where side_rank = 1
