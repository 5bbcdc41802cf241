/* 谁在无资格的日子出让或受让
   Who sold or bought on days on which the register gave no permission */
select
    institution_name,
    institution_type,
    role,
    business,
    year_number,
    eligibility,
    act,
    certainty,
    listed_count,
    sold_count,
    bought_count,
    not_eligible_count,
    other_province_count,
    resale_count,
    not_assessed_count,
    not_eligible_parts
from market.pilot_participation
where participation = 'took_part' and is_pilot_business and not is_demo
    and not_eligible_count + other_province_count + resale_count > 0
order by year_number, role, not_eligible_count desc, institution_key
