#!/bin/sh
# Checks all dependencies with cargo-deny:
#
#   scripts/deny.sh              licences, sources and banned crates (deny.toml); needs no network
#   scripts/deny.sh advisories   known faults, by the RustSec database; skipped with a line where that cannot be had
set -eu
cd "$(dirname "$0")/.."

deny=$(scripts/cargo-tool.sh cargo-deny 0.20.2)

if [ "${1:-}" != advisories ]; then
    exec "$deny" --locked check bans licenses sources
fi
# Fetched in a step of its own: a machine without the network is not the same as a fault that was found.
if reason=$("$deny" --locked --log-level error fetch db 2>&1); then
    exec "$deny" --locked --offline check advisories
fi
echo "Known faults of dependencies were not looked for: the RustSec database cannot be had" \
    "($(echo "$reason" | tr '\n' ' ' | cut -c 1-120))."
