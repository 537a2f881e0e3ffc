#!/usr/bin/env bash
# Makes sure that the accounting software Tryton is installed in target/, which `make test` starts as a server. Nothing
# is started. Python is installed where it is missing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scripts/venv.sh tryton tests/tryton/requirements.txt 3.11 >/dev/null
