#!/usr/bin/env bash
# Finds misspelled words with typos (typos.toml). Arguments go to it:
#   scripts/typos/run.sh --write-changes
# Where typos is not installed, its wheel is taken from PyPI: to build it would take minutes.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

if ! typos=$(command -v typos); then
    typos=$(scripts/venv.sh typos scripts/typos/requirements.txt 3.9)/bin/typos
fi
exec "$typos" "$@"
