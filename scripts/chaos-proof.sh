#!/bin/sh
# Shows that `make chaos` and `make chaos-remote` can fail: they must find what each patch of their folders `mutants/`
# breaks, in a copy of the sources.
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

harness=
for patch in tests/chaos*/mutants/${1:-*}.patch; do
  # Where a name is given, only one folder has it.
  [ -e "$patch" ] || continue
  harness=$(basename "${patch%/mutants/*}")
  # Everything is compared more often than usual, so that a failure is seen early. A fault of the other harness is slow.
  round=$([ "$harness" = chaos ] && echo 25 || echo 10)
  rm -rf "$copy"
  mkdir -p "$copy"
  tar -cf - --exclude=./target --exclude=./fuzz/target --exclude=./.git . | tar -xf - -C "$copy"
  patch --directory "$copy" --strip 1 --quiet --no-backup-if-mismatch < "$patch" || {
    echo "$patch does not fit the sources any more" >&2
    exit 1
  }
  touch "$copy/src/lib.rs"
  (cd "$copy" && cargo test --quiet --locked --test "$harness" -- --must-find --runs 1000 --round "$round")
  echo "found: $(basename "$patch" .patch)"
done
[ -n "$harness" ] || {
  echo "no patch is named $1" >&2
  exit 1
}
