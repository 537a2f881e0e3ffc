#!/bin/sh
# Writes `.sqlx/` anew: what the SQL macros know of the database, so that the project builds without one.
#
#   scripts/prepare-sqlx.sh           write it
#   scripts/prepare-sqlx.sh --check   fail when what is committed differs
#
# It starts a throw-away Postgres in a temporary folder, applies migrations/ and lets the macros ask it.
set -eu
cd "$(dirname "$0")/.."

bin=$(sh scripts/ensure-postgres.sh --bindir)
work=$(mktemp -d "${TMPDIR:-/tmp}/unibooks-sqlx.XXXXXX")
fresh=$work/fresh
mkdir "$fresh"
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

cd "$work/postgres"
as_postgres "$bin/initdb" -D "$work/postgres/data" -U unibooks -A trust -E UTF8 --locale=C -N >/dev/null
as_postgres "$bin/pg_ctl" -D "$work/postgres/data" -l "$work/postgres/log" -w \
  -o "-c listen_addresses='' -c fsync=off -k '$work/postgres'" start >/dev/null
cd - >/dev/null
psql="$bin/psql"; [ -x "$psql" ] || psql=psql
for migration in migrations/*.sql; do
  "$psql" -q -X -h "$work/postgres" -U unibooks -d postgres -v ON_ERROR_STOP=1 --single-transaction -f "$migration"
done

# The macros run while the crate compiles; touching it makes it compile.
touch src/lib.rs
socket=$(printf %s "$work/postgres" | sed 's,/,%2F,g')
SQLX_OFFLINE=false SQLX_OFFLINE_DIR=$fresh DATABASE_URL=postgres://unibooks@$socket/postgres cargo check --quiet --locked
touch src/lib.rs

if [ "${1:-}" = --check ]; then
  diff -r .sqlx "$fresh" >/dev/null || { echo ".sqlx/ is not fresh: run scripts/prepare-sqlx.sh and commit it" >&2; exit 1; }
  echo ".sqlx/ is fresh"
else
  rm -rf .sqlx
  mv "$fresh" .sqlx
  chmod 755 .sqlx
fi
