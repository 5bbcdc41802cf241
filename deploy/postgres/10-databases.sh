#!/bin/sh
# Run once by the database's image, on an empty data folder: a database and a role of its own for Airflow and for the
# platform's registry. Neither can read the other's.
set -eu
for name in airflow npl; do
  psql --set=ON_ERROR_STOP=1 --username="$POSTGRES_USER" --dbname=postgres \
    --set=name="$name" --set=password="$(cat "/run/secrets/${name}_database_password")" <<'SQL'
create role :"name" login password :'password';
create database :"name" owner :"name" encoding 'UTF8' template template0;
revoke connect on database :"name" from public;
SQL
done
