#!/bin/sh
# Checks all dependencies with cargo-deny, which is built into target/tools when it is not installed:
#
#   scripts/deny.sh              licences, sources and banned crates (deny.toml); needs no network
#   scripts/deny.sh advisories   known faults, by the RustSec database; skipped with a line where that cannot be had
set -eu
cd "$(dirname "$0")/.."

if command -v cargo-deny >/dev/null 2>&1; then
    deny=cargo-deny
else
    tools=${CARGO_TARGET_DIR:-target}/tools
    deny=$tools/bin/cargo-deny
    # Without optimization, because it is built for longer than it runs.
    [ -x "$deny" ] || cargo install --quiet --debug --locked --root "$tools" cargo-deny@0.20.2
fi

if [ "${1:-}" != advisories ]; then
    exec "$deny" --locked check bans licenses sources
fi
# Fetched in a step of its own: a machine without the network is not the same as a fault that was found.
if reason=$("$deny" --locked --log-level error fetch db 2>&1); then
    exec "$deny" --locked --offline check advisories
fi
echo "Known faults of dependencies were not looked for: the RustSec database cannot be had" \
    "($(echo "$reason" | tr '\n' ' ' | cut -c 1-120))."
