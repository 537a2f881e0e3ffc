#!/bin/sh
# Checks all dependencies with cargo-deny:
#
#   scripts/deny.sh              licences, sources and banned crates (deny.toml); needs no network
#   scripts/deny.sh advisories   known faults, from the RustSec database; skipped with one line if it cannot be fetched
set -eu
cd "$(dirname "$0")/.."

deny=$(scripts/cargo-tool.sh cargo-deny 0.20.2)

if [ "${1:-}" != advisories ]; then
    exec "$deny" --locked check bans licenses sources
fi
# The database is fetched separately, so that a missing network is not reported as a fault.
if reason=$("$deny" --locked --log-level error fetch db 2>&1); then
    exec "$deny" --locked --offline check advisories
fi
echo "Known faults of dependencies were not checked: the RustSec database cannot be fetched" \
    "($(echo "$reason" | tr '\n' ' ' | cut -c 1-120))."
