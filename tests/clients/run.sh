#!/usr/bin/env bash
# Runs the unmodified PyPI package panora-sdk and the programs of docs/ against the real binary. Arguments go to
# pytest:
#   tests/clients/run.sh -k idempotency
# The binary is target/debug/unibooks (`cargo build`), or the one that UNIBOOKS_BIN names.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

venv=$(../../scripts/venv.sh clients "$PWD/requirements.txt" 3.10)
export PYTHONDONTWRITEBYTECODE=1
exec "$venv/bin/python" -m pytest "$@"
