#!/bin/sh
# A password for each database account, made once: docker/secrets/*; those that are there stay.
set -eu
folder="${1:-$(dirname "$0")/secrets}"
mkdir -p "$folder"
# Containers read the files by accounts of their own; the folder keeps everybody else on this machine out.
chmod 700 "$folder"
for account in postgres prefect mlflow nightschool; do
    file="$folder/${account}_password"
    [ -s "$file" ] || od -An -N24 -tx1 /dev/urandom | tr -d ' \n' >"$file"
    chmod 444 "$file"
done
