#!/bin/sh
# Serve a folder as a store that speaks S3, with one bucket `backups`: s3_store.sh FOLDER ADDRESS ACCESS_KEY SECRET_FILE
# For a machine of its own: on the platform's disk a backup dies with what it is to save.
set -eu
metadata="sqlite3://$1/metadata.db"
juicefs format --log-level error --no-update --storage file --bucket "$1/objects/" "$metadata" backups
export MINIO_ROOT_USER="$3" MINIO_ROOT_PASSWORD="$(cat "$4")"
exec juicefs gateway --no-usage-report --cache-dir "$1/cache" "$metadata" "$2"
