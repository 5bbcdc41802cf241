{#- Which package as filed belongs to which deal, for deals that both sides filed, and how that is known. Nothing else in
    the project says when a seller's and a buyer's row are one deal.

    `project_code`: both name the same seller and project. What then still stands with one side alone is matched by
    `parties_date_amounts`: the same seller, buyer and day of signing, and price and principal equal to the cent. Only
    when one row of each side comes into question; two alike are not matched, for either choice would be a guess. A date
    coarser than a day or a rounded amount proves no identity. Nor are two packages one deal of which the desk saw a
    result notice each. The deal keeps the seller's project code, as the seller's row speaks for it. -#}
with sides as (

    select * from {{ ref('int_transfer_sides') }}

),

packages as (

    select
        filed_package_id,
        max(case when side = 'seller' then 1 else 0 end) = 1 as has_seller,
        max(case when side = 'buyer' then 1 else 0 end) = 1 as has_buyer,
        max(case when side = 'observer' then 1 else 0 end) = 1 as has_observer
    from sides
    group by filed_package_id

),

candidates as (

    select
        sides.filed_package_id,
        sides.side,
        sides.seller_key,
        sides.buyer_key,
        sides.signed_date,
        sides.price_cny,
        sides.principal_cny,
        packages.has_observer,
        count(*) over (
            partition by
                sides.side, sides.seller_key, sides.buyer_key, sides.signed_date, sides.price_cny, sides.principal_cny
        ) as candidate_count
    from sides
    inner join packages on sides.filed_package_id = packages.filed_package_id
    where sides.side in ('seller', 'buyer')
        and packages.has_seller <> packages.has_buyer
        and coalesce(sides.signed_date_precision, 'day') = 'day'
        and coalesce(sides.precision, 'exact') = 'exact'

),

-- A null never equals anything: a row without buyer, date or amount finds nobody.
pairs as (

    select
        sellers.filed_package_id as seller_package_id,
        buyers.filed_package_id as buyer_package_id
    from candidates as sellers
    inner join candidates as buyers
        on sellers.seller_key = buyers.seller_key
        and sellers.buyer_key = buyers.buyer_key
        and sellers.signed_date = buyers.signed_date
        and sellers.price_cny = buyers.price_cny
        and sellers.principal_cny = buyers.principal_cny
    where sellers.side = 'seller'
        and buyers.side = 'buyer'
        and sellers.candidate_count = 1
        and buyers.candidate_count = 1
        and not (sellers.has_observer and buyers.has_observer)

)

select
    filed_package_id,
    filed_package_id as package_id,
    'project_code' as match_basis
from packages
where has_seller and has_buyer

union all

select
    seller_package_id as filed_package_id,
    seller_package_id as package_id,
    'parties_date_amounts' as match_basis
from pairs

union all

select
    buyer_package_id as filed_package_id,
    seller_package_id as package_id,
    'parties_date_amounts' as match_basis
from pairs
