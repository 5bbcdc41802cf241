"""The assets that tie the DAGs together: a DAG that writes one starts the DAG that waits for it."""

from airflow.sdk import Asset

ACCEPTED = Asset("npl_accepted")
WAREHOUSE = Asset("npl_warehouse")
RELEASE = Asset("npl_release")

# One event for each institution and period (`ICBC|2026-10`) of which something was decided: the record of who touched
# what when. No DAG waits for it, since who owes what changes with the registers (docs/adr/0032).
FILINGS = Asset("npl_filings")
