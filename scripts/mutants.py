#!/usr/bin/env python3
"""Takes the tenant's condition out of each query in turn, and demands that a test of isolation fails for each; and that
even then no foreign row is shown, since rows are compared with their scope again. Needs Python 3.9 or later.

A query's text lies in the built test program as it is in the source. So the condition is overwritten there, with one of
the same length that is always true, and nothing is compiled again.
"""

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# The stores whose queries run for a caller. The name of the tenant's column is the same in all of them.
STORES = ["src/accounting"]
CONDITION = b"connection_id = $1"
ALWAYS_TRUE = b"$1::uuid = $1".ljust(len(CONDITION))


def stores():
    """The files with the queries. Those that no caller's scope reaches are for tasks of the server."""
    files = (path for folder in STORES for path in sorted((ROOT / folder).rglob("*.rs")))
    of_stores = (path for path in files if path.name == "store.rs" or path.parent.name == "store")
    return [path for path in of_stores if b"&Scope" in path.read_bytes() or b"Scoped" in path.read_bytes()]


def places(source):
    """Each condition outside comments: its line, the piece of text around it, and where it begins in this piece. A piece
    goes from quote to quote, so it lies in one part of the program."""
    for found in re.finditer(re.escape(CONDITION), source):
        line_start = source.rindex(b"\n", 0, found.start()) + 1
        if source[line_start:].lstrip().startswith(b"//"):
            continue
        start, end = source.rindex(b'"', 0, found.start()) + 1, source.index(b'"', found.end())
        yield source.count(b"\n", 0, found.start()) + 1, source[start:end], found.start() - start


def build():
    """Builds the tests of the API; returns the program."""
    command = ["cargo", "test", "--locked", "--test", "api", "--no-run", "--message-format", "json"]
    output = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout
    artifacts = [json.loads(line) for line in output.splitlines() if line.startswith(b"{")]
    programs = [one["executable"] for one in artifacts if one.get("target", {}).get("name") == "api"]
    return Path(next(program for program in programs if program))


def run(program, *filters):
    """Runs the tests that match."""
    return subprocess.run([program, *filters], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def mutate(program, original, piece, offset):
    """Writes the program with the condition overwritten wherever this piece of text is in it."""
    at = original.find(piece)
    if at < 0:
        return False
    mutant = bytearray(original)
    while at >= 0:
        mutant[at + offset : at + offset + len(CONDITION)] = ALWAYS_TRUE
        at = original.find(piece, at + 1)
    program.write_bytes(mutant)
    program.chmod(0o755)
    return True


def main():
    original = build().read_bytes()
    program = ROOT / "target" / "mutants" / "api"
    program.parent.mkdir(parents=True, exist_ok=True)
    noticed = 0
    for path in stores():
        for line, piece, offset in places(path.read_bytes()):
            place = f"{path.relative_to(ROOT)}:{line}"
            if not mutate(program, original, piece, offset):
                sys.exit(f"the query of {place} is not in the test program")
            tests = run(program, "isolation")
            if tests.returncode == 0:
                # It takes longer, and few are found by it alone.
                tests = run(program, "credentials")
            failed = re.search(r"^test result: FAILED\. (.*); 0 ignored", tests.stdout, re.MULTILINE)
            if tests.returncode == 0:
                sys.exit(f"nobody notices when the tenant's condition is missing from {place}")
            if not failed:
                sys.exit(f"{tests.stdout}\nthe tests did not run for {place}")
            print(f"noticed: {place} without its tenant: {failed[1]}", flush=True)
            shown = run(program, "no_foreign_row_is_shown")
            if shown.returncode != 0:
                sys.exit(f"{shown.stdout}\na foreign row is shown when the tenant's condition is missing from {place}")
            noticed += 1
    program.unlink(missing_ok=True)
    if not noticed:
        sys.exit("no query was found")


main()
