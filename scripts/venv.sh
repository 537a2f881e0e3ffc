#!/usr/bin/env bash
# Makes a Python environment that holds what a requirements file pins, unless it is there, and prints its folder:
#
#   scripts/venv.sh clients tests/clients/requirements.txt 3.10
#
# The last is the oldest Python that all of it runs on; the newest is 3.13. Only wheels with the pinned hashes are
# installed: a package that was replaced in the index is refused, and none runs code while it is installed.
# PYTHON names the interpreter, where the first fitting one is not the right one.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
venv=${CARGO_TARGET_DIR:-$root/target}/$1-venv
requirements=$2
oldest=${3#3.}

# A Python that has wheels of all pinned packages, and that can make a virtual environment.
fits() {
    "$1" -c "import ensurepip, sys, venv; sys.exit(not (3, $oldest) <= sys.version_info[:2] <= (3, 13))" 2>/dev/null
}

find_python() {
    local candidate
    for candidate in ${PYTHON:-python3 python3.13 python3.12 python3.11 python3.10}; do
        if fits "$candidate"; then
            echo "$candidate"
            return
        fi
    done
    return 1
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        echo "cannot run as root: $*" >&2
        return 1
    fi
}

install_python() {
    if command -v apt-get >/dev/null; then
        echo "Installing python3 and python3-venv with apt-get, for tests and checks." >&2
        as_root apt-get update -qq
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3 python3-venv
    elif command -v dnf >/dev/null; then
        echo "Installing python3.13 with dnf, for tests and checks." >&2
        as_root dnf install -y -q python3.13
    elif command -v brew >/dev/null; then
        echo "Installing python@3.13 with Homebrew, for tests and checks." >&2
        brew install --quiet python@3.13
    fi >/dev/null
}

# It is made again when the pinned packages change, and not before.
if ! cmp -s "$requirements" "$venv/requirements.txt"; then
    python=$(find_python) || { install_python && python=$(find_python); } || {
        echo "$requirements needs Python 3.$oldest to 3.13 with venv and ensurepip: install it, or name it in PYTHON." >&2
        exit 1
    }
    rm -rf "$venv"
    "$python" -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check --require-hashes --only-binary :all: \
        --requirement "$requirements" >&2
    cp "$requirements" "$venv/requirements.txt"
fi
echo "$venv"
