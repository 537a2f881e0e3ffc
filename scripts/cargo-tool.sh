#!/bin/sh
# Prints the path of a cargo tool. A tool that is not installed is built into target/tools:
#
#   scripts/cargo-tool.sh cargo-machete 0.9.2
set -eu
cd "$(dirname "$0")/.."

if command -v "$1" 2>/dev/null; then
    exit 0
fi
tools=${CARGO_TARGET_DIR:-$PWD/target}/tools
# Without optimization, because it is built for longer than it runs.
[ -x "$tools/bin/$1" ] || cargo install --quiet --debug --locked --root "$tools" "$1@$2" >&2
echo "$tools/bin/$1"
