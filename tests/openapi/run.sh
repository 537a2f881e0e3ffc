#!/usr/bin/env bash
# Tests the real binary with schemathesis against the OpenAPI document that it serves, with and without credentials.
#   tests/openapi/run.sh [examples of each operation] [seed]
# The binary is target/debug/unibooks (`cargo build`), or the one that UNIBOOKS_BIN names.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

venv=$(../../scripts/venv.sh openapi "$PWD/requirements.txt" 3.11)
export PYTHONDONTWRITEBYTECODE=1 PATH=$venv/bin:$PATH
exec "$venv/bin/python" try.py "$@"
