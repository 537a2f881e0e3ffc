#!/bin/sh
# Takes the tenant's condition out of each query in turn, in a copy of the sources, and demands that a test of
# isolation fails for each; and that even then no foreign row is shown, since rows are compared with their scope again.
set -eu
cd "$(dirname "$0")/.."
root=$PWD

# The changed queries are checked against a database, since .sqlx does not know them.
[ -n "${UNIBOOKS_MUTANTS:-}" ] || exec env UNIBOOKS_MUTANTS=1 SQLX_OFFLINE=false sh scripts/with-schema.sh sh "$0"

condition='connection_id = [$]1'
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$root/target}" CARGO_INCREMENTAL=1
copy=$CARGO_TARGET_DIR/mutants
# What was built of the copies is not to be taken for the server: cargo goes by the age of the sources.
trap 'touch "$root/src/lib.rs"' EXIT

rm -rf "$copy"
mkdir -p "$copy"
tar -cf - --exclude=./target --exclude=./fuzz/target --exclude=./.git . | tar -xf - -C "$copy"

noticed=0
for store in $(grep -rl "$condition" src/accounting | grep '/store[/.]'); do
  # Not in comments.
  places=$(grep -n "$condition" "$store" | grep -v '^[0-9]*: *//')
  count=$(printf '%s\n' "$places" | grep -c .)
  for number in $(seq "$count"); do
    awk -v number="$number" -v with="$condition" \
      '$0 ~ with && $0 !~ "^ *//" && ++seen == number { sub(with, "$1::uuid is not null") } { print }' "$store" > "$copy/$store"
    line=$(printf '%s\n' "$places" | sed -n "${number}s/:.*//p")
    cd "$copy"
    cargo test --quiet --locked --test api --no-run
    if cargo test --quiet --locked --test api -- isolation credentials >"$copy/log" 2>&1; then
      echo "nobody notices when the tenant's condition is missing from $store:$line" >&2
      exit 1
    fi
    # A test has failed, and not the run of it.
    grep -q '^test result: FAILED' "$copy/log" || { cat "$copy/log" >&2; exit 1; }
    echo "noticed: $store:$line without its tenant: $(sed -n 's/^test result: FAILED. \(.*\); 0 ignored.*/\1/p' "$copy/log")"
    cargo test --quiet --locked --test api -- no_foreign_row_is_shown >"$copy/log" 2>&1 || {
      cat "$copy/log" >&2
      echo "a foreign row is shown when the tenant's condition is missing from $store:$line" >&2
      exit 1
    }
    noticed=$((noticed + 1))
    cd "$root"
  done
  cp "$store" "$copy/$store"
done
[ "$noticed" -gt 0 ] || { echo "no query was found" >&2; exit 1; }
