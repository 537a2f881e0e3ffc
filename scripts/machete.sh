#!/bin/sh
# Finds dependencies that no source names, with cargo-machete. Exceptions are in the Cargo.toml of the crate.
set -eu
cd "$(dirname "$0")/.."

machete=$(scripts/cargo-tool.sh cargo-machete 0.9.2)
exec "$machete"
