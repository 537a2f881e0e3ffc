#!/bin/sh
# Makes sure that the programs of a Postgres server are installed; the server of `make run` and the tests run their own
# private Postgres with them. Does nothing when they are there. Nothing is started, and no system-wide database is
# made.
#
#   scripts/ensure-postgres.sh            prints nothing when all is well
#   scripts/ensure-postgres.sh --bindir   prints the folder of the programs
set -eu

# A folder serves when it holds both programs.
holds_server() {
    [ -x "$1/postgres" ] && [ -x "$1/initdb" ]
}

# Prints the first folder that serves: the same places as in src/db/private/binaries.rs.
find_server() {
    if [ -n "${UNIBOOKS_POSTGRES_BIN:-}" ]; then
        # Somebody who names a folder wants that one; the server says so when it does not serve.
        echo "$UNIBOOKS_POSTGRES_BIN"
        return 0
    fi
    (
        pg_config --bindir 2>/dev/null || true
        echo "$PATH" | tr : '\n'
        for folder in /usr/lib/postgresql/*/bin /usr/pgsql-*/bin /opt/homebrew/opt/postgresql*/bin \
            /usr/local/opt/postgresql*/bin /home/linuxbrew/.linuxbrew/opt/postgresql*/bin; do
            echo "$folder"
        done
    ) | while read -r folder; do
        if holds_server "$folder"; then
            echo "$folder"
            break
        fi
    done | grep .
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null 2>&1; then
        sudo "$@"
    else
        echo "This needs root and there is no sudo. Run as root: $*" >&2
        exit 1
    fi
}

say() {
    echo "No Postgres server is installed; installing $1 with $2 (no system-wide database is made)." >&2
}

install_server() {
    if command -v apt-get >/dev/null 2>&1; then
        say "the package postgresql" apt-get
        as_root apt-get update
        # Debian's package would make and start a database of its own; one that is already set up keeps its settings.
        conf=/etc/postgresql-common/createcluster.conf
        if [ ! -e "$conf" ]; then
            as_root mkdir -p /etc/postgresql-common
            echo 'create_main_cluster = false' | as_root tee "$conf" >/dev/null
        fi
        # Keeping the file just written is the answer to the package's question about it.
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends \
            -o Dpkg::Options::=--force-confold postgresql
    elif command -v dnf >/dev/null 2>&1; then
        say "the package postgresql-server" dnf
        as_root dnf install --assumeyes postgresql-server
    elif command -v brew >/dev/null 2>&1; then
        say "postgresql@17" brew
        brew install postgresql@17
    else
        echo "No Postgres server is installed, and this system has neither apt-get, dnf nor brew: install a Postgres" \
            "server (version 14 or newer) by hand, or set UNIBOOKS_POSTGRES_BIN to the folder of its programs." >&2
        exit 1
    fi
}

bindir=$(find_server) || {
    install_server >&2
    bindir=$(find_server) || {
        echo "The installation went through, but no Postgres server was found after it: set UNIBOOKS_POSTGRES_BIN to" \
            "the folder that holds \`postgres\` and \`initdb\`." >&2
        exit 1
    }
}
if [ "${1:-}" = --bindir ]; then
    echo "$bindir"
fi
