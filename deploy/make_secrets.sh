#!/bin/sh
# Make what is missing of the deployment's secrets, each a file in secrets/; one that is there is never changed.
# The folder is closed to others on this machine; the files in it are open, because containers read them as another user.
set -eu
cd "$(dirname "$0")/.."
mkdir -p secrets
chmod 700 secrets

random() {
  od -An -N32 -tx1 /dev/urandom | tr -d ' \n'
}

# make NAME CONTENT
make() {
  if [ ! -s "secrets/$1" ]; then
    printf '%s' "$2" > "secrets/$1"
    echo "secrets/$1"
  fi
}

for name in postgres_password airflow_database_password npl_database_password redis_password \
  airflow_jwt_secret airflow_api_secret airflow_admin_password airflow_operator_password airflow_viewer_password \
  npl_s3_secret_key; do
  make "$name" "$(random)"
done
# Airflow's key for connections and variables: 32 bytes in URL-safe base 64
make airflow_fernet_key "$(head -c 32 /dev/urandom | base64 | tr '+/' '-_')"
make airflow_database_url "postgresql+psycopg2://airflow:$(cat secrets/airflow_database_password)@postgres/airflow"
make airflow_result_backend "db+postgresql://airflow:$(cat secrets/airflow_database_password)@postgres/airflow"
make airflow_broker_url "redis://:$(cat secrets/redis_password)@redis:6379/0"
touch secrets/npl_smtp_password  # for the operator to fill, where mail is sent with one
make npl_registry_url "postgresql+psycopg://npl:$(cat secrets/npl_database_password)@postgres/npl"
