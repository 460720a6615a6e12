#!/bin/sh
# Run once by the PostgreSQL image, on an empty volume: a database, a user and a password for each back office and the ledger. None of
# them can connect to another's.
for name in billing technical sales escalation ledger; do
  variable=$(printf '%s_DATABASE_PASSWORD' "$name" | tr '[:lower:]' '[:upper:]')
  psql --set ON_ERROR_STOP=1 --username postgres --dbname postgres --set name="$name" --set password="$(printenv "$variable")" <<'SQL' || exit 1
CREATE ROLE :"name" LOGIN PASSWORD :'password';
CREATE DATABASE :"name" OWNER :"name" ENCODING 'UTF8' TEMPLATE template0;
REVOKE ALL ON DATABASE :"name" FROM PUBLIC;
SQL
done
