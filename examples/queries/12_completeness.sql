/* 各机构各字段填得多全
   How complete each institution's fields are */
select
    names.name_zh as institution,
    fields.table_name,
    fields.field_name,
    sum(fields.asked_count) as asked,
    sum(fields.nd1_count) as not_collected,
    sum(fields.nd2_4_count) as later_or_elsewhere,
    sum(fields.unexplained_count) as blank_without_reason,
    round(
        100.0 * (1 - cast(sum(fields.nd1_count + fields.nd2_4_count + fields.unexplained_count) as double)
        / sum(fields.asked_count)), 1
    ) as filled_pct,
    max(fields.institution_score) as institution_score
from quality.completeness as fields
left join core.dim_institutions as names on fields.institution_id = names.institution_id
where fields.is_in_force and fields.asked_count > 0 and not fields.is_demo
group by all
order by filled_pct, institution, fields.table_name, fields.field_name
