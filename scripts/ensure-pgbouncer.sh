#!/bin/sh
# Makes sure that PgBouncer is installed, which `make test-trouble` puts before Postgres. Nothing is started.
set -eu

if command -v pgbouncer >/dev/null 2>&1; then
    exit 0
fi

as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

echo "PgBouncer is not installed; installing it with the system's package manager." >&2
if command -v apt-get >/dev/null 2>&1; then
    as_root apt-get update -qq
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends pgbouncer >/dev/null
elif command -v dnf >/dev/null 2>&1; then
    as_root dnf install -y -q pgbouncer
elif command -v brew >/dev/null 2>&1; then
    brew install pgbouncer
else
    echo "This system has neither apt-get, dnf nor brew: install PgBouncer by hand." >&2
    exit 1
fi
