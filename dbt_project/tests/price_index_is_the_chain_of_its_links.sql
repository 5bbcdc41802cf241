-- The index of a quarter is the one before times the link, or 100 at a base; the link lies between its two parts; a quarter
-- without a link has a value only as a base, and no quarter is left out.
with price_index as (

    select * from {{ ref('price_index') }}

)

select
    this.population,
    this.denominator,
    this.business,
    this.quarter
from price_index as this
left join price_index as before
    on this.population = before.population
    and this.denominator = before.denominator
    and this.business = before.business
    and this.quarter_number = before.quarter_number + 1
left join (
    select
        population,
        denominator,
        business,
        min(quarter_number) as first_quarter_number
    from price_index
    group by population, denominator, business
) as spans
    on this.population = spans.population
    and this.denominator = spans.denominator
    and this.business = spans.business
where (before.quarter is null and this.quarter_number <> spans.first_quarter_number)
    or (this.is_base and (abs(this.index_value - 100) > 1e-9 or this.fisher_link is not null))
    or (
        this.fisher_link is not null
        and (
            before.index_value is null
            or before.segment <> this.segment
            or abs(this.index_value / before.index_value / this.fisher_link - 1) > 1e-6
        )
    )
    or (this.fisher_link is null and not this.is_base and this.index_value is not null)
    or this.fisher_link > greatest(this.laspeyres_link, this.paasche_link) * (1 + 1e-9)
    or this.fisher_link < least(this.laspeyres_link, this.paasche_link) * (1 - 1e-9)
