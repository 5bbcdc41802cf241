/* 委托给谁催收，有无许可，投诉多少
   Who collects for whom, whether licensed all the while, and how many complain */
select
    period_end_date,
    institution_name,
    subject_name as collector,
    is_licensed_all_period,
    client_count,
    placed_account_count,
    round(100 * placed_account_ratio, 1) as share_of_accounts_pct,
    complaint_received_count,
    round(1000 * complaint_per_account_ratio, 2) as complaints_per_1000_accounts,
    incident_count,
    action_taken
from compliance.outsourcing
where not is_demo
order by complaints_per_1000_accounts desc nulls last, institution_name, collector
