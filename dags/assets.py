"""The assets that tie the DAGs together: a DAG that writes one starts the DAG that waits for it."""

from airflow.sdk import Asset

ACCEPTED = Asset("npl_accepted")
WAREHOUSE = Asset("npl_warehouse")
