#!/bin/sh
# Writes `.sqlx/`: what the SQL macros know of the database, so that the project builds without one.
#
#   scripts/prepare-sqlx.sh           write it
#   scripts/prepare-sqlx.sh --check   fail when what is committed differs
set -eu
cd "$(dirname "$0")/.."

fresh=$(mktemp -d "${TMPDIR:-/tmp}/unibooks-sqlx.XXXXXX")
trap 'rm -rf "$fresh"' EXIT

# The macros run while the crate compiles; touching it makes it compile.
touch src/lib.rs
SQLX_OFFLINE=false SQLX_OFFLINE_DIR=$fresh sh scripts/with-schema.sh cargo check --quiet --locked
touch src/lib.rs

if [ "${1:-}" = --check ]; then
  diff -r .sqlx "$fresh" >/dev/null || { echo ".sqlx/ is not fresh: run scripts/prepare-sqlx.sh and commit it" >&2; exit 1; }
  echo ".sqlx/ is fresh"
else
  rm -rf .sqlx
  cp -R "$fresh" .sqlx
  chmod 755 .sqlx
fi
