#!/bin/sh
# Runs a command with DATABASE_URL naming a throw-away Postgres that has the schema of migrations/:
#
#   scripts/with-schema.sh psql
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)

bin=$(sh "$root/scripts/ensure-postgres.sh" --bindir)
work=$(mktemp -d "${TMPDIR:-/tmp}/unibooks-schema.XXXXXX")
mkdir "$work/postgres"

# Postgres refuses to run as root.
as_postgres() { "$@"; }
if [ "$(id -u)" = 0 ]; then
  user=postgres; id "$user" >/dev/null 2>&1 || user=nobody
  chmod 711 "$work"; chown "$user" "$work/postgres"
  as_postgres() { su "$user" -s /bin/sh -c '"$0" "$@"' -- "$@"; }
fi
finish() {
  as_postgres "$bin/pg_ctl" -D "$work/postgres/data" -m immediate stop >/dev/null 2>&1 || true
  rm -rf "$work"
}
trap finish EXIT

(
  cd "$work/postgres"
  as_postgres "$bin/initdb" -D "$work/postgres/data" -U unibooks -A trust -E UTF8 --locale=C -N >/dev/null
  as_postgres "$bin/pg_ctl" -D "$work/postgres/data" -l "$work/postgres/log" -w \
    -o "-c listen_addresses='' -c fsync=off -k '$work/postgres'" start >/dev/null
)
psql="$bin/psql"; [ -x "$psql" ] || psql=psql
for migration in "$root"/migrations/*.sql; do
  # What sqlx runs outside a transaction cannot run inside one.
  whole=--single-transaction
  if head -n 1 "$migration" | grep -qx -- '-- no-transaction'; then whole=; fi
  "$psql" -q -X -h "$work/postgres" -U unibooks -d postgres -v ON_ERROR_STOP=1 $whole -f "$migration"
done

socket=$(printf %s "$work/postgres" | sed 's,/,%2F,g')
DATABASE_URL=postgres://unibooks@$socket/postgres "$@"
