#!/bin/sh
# Checks licences, sources and banned crates of all dependencies (deny.toml) with cargo-deny, which is built into
# target/tools when it is not installed.
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
exec "$deny" --locked check bans licenses sources
