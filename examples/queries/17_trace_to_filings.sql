/* 一个数字由哪些报送而来：各季度挂牌规模
   Which filings a figure comes from: the claims listed, by quarter */
select
    packages.first_listed_quarter as quarter,
    packages.package_id,
    packages.claim_cny,
    packages.claim_basis,
    notices.notice_id,
    notices.filing_id,
    notices.row_number,
    notices.source_kind,
    notices.source_address,
    filings.decided_at,
    filings.sha256
from core.dim_packages as packages
inner join core.fct_notices as notices
    on packages.package_id = notices.package_id and packages.figures_notice_id = notices.notice_id and notices.is_current
inner join quality.filing_outcomes as filings on notices.filing_id = filings.filing_id
where packages.first_listed_quarter is not null and not packages.is_demo
order by quarter, packages.claim_cny desc nulls last, packages.package_id
