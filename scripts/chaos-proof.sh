#!/bin/sh
# Shows that `make chaos` can fail: it must find what each patch of tests/chaos/mutants/ breaks, in a copy of the sources.
#
#   scripts/chaos-proof.sh            all of them
#   scripts/chaos-proof.sh NAME       one
set -eu
cd "$(dirname "$0")/.."
root=$PWD

export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$root/target}" CARGO_INCREMENTAL=0
copy=$CARGO_TARGET_DIR/chaos-proof
# The target folder holds the copy's server now. Newer sources make Cargo build the right one next time.
trap 'touch "$root/src/lib.rs"' EXIT

for patch in tests/chaos/mutants/${1:-*}.patch; do
  rm -rf "$copy"
  mkdir -p "$copy"
  tar -cf - --exclude=./target --exclude=./fuzz/target --exclude=./.git . | tar -xf - -C "$copy"
  patch --directory "$copy" --strip 1 --quiet --no-backup-if-mismatch < "$patch" || {
    echo "$patch does not fit the sources any more" >&2
    exit 1
  }
  touch "$copy/src/lib.rs"
  (cd "$copy" && cargo test --quiet --locked --test chaos -- --must-find --runs 1000 --round 25)
  echo "found: $(basename "$patch" .patch)"
done
