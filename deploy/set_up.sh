#!/bin/sh
# Run once a start, before everything else: both databases brought to this image's revision, the accounts made.
set -eu
airflow db migrate
npl registry upgrade

accounts=$(airflow users list --output plain)

account() {
  # an account that is there keeps its password: change it with `airflow users reset-password`
  if printf '%s\n' "$accounts" | awk '{print $2}' | grep --quiet --line-regexp "$1"; then
    return
  fi
  airflow users create --username "$1" --role "$2" --firstname "$1" --lastname platform \
    --email "$1@platform.invalid" --password "$(cat "/run/secrets/airflow_$1_password")" > /dev/null
  echo "account $1: role $2"
}

account admin Admin
account operator Op
account viewer Viewer
