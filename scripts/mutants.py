#!/usr/bin/env python3
"""Takes the tenant's condition out of each query in turn, and demands that a test of isolation fails for each; and that
even then no foreign row is shown, since rows are compared with their scope again. Needs Python 3.9 or later.

A query's text lies in the built test program as it is in the source. So the condition is overwritten there, with one of
the same length that is always true, and nothing is compiled again.
"""

import json
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import List, NamedTuple, Optional

ROOT = Path(__file__).resolve().parent.parent
ALWAYS_TRUE = b"$1::uuid = $1"


class Tenant(NamedTuple):
    """A kind of tenant, and how its queries are tested."""

    # The folders with its stores, and the grants that reach their queries. Other files are for tasks of the server.
    folders: List[str]
    grants: List[bytes]
    # The condition that names the tenant.
    condition: bytes
    # The test program and its filters. A later one takes longer, and few are found by it alone.
    program: str
    filters: List[str]
    # The test that shows nothing even then.
    second_line: Optional[str]
    # Conditions beside others that suffice, so that no test can see the difference.
    beside_others: List[bytes]


TENANTS = [
    Tenant(
        folders=["src/accounting"],
        grants=[b"&Scope", b"Scoped"],
        condition=b"connection_id = $1",
        program="api",
        filters=["isolation", "credentials"],
        second_line="no_foreign_row_is_shown",
        beside_others=[],
    ),
    Tenant(
        folders=["src/events", "src/webhooks"],
        grants=[b"ProjectScope", b"ProjectTransaction"],
        condition=b"project_id = $1",
        program="deliveries",
        filters=["isolation"],
        second_line=None,
        beside_others=[
            # A lease has an id that nobody else knows.
            b"project_id = $1 and endpoint_id = $2 and lease_id = $3",
            # The endpoint, its retries and its replays are looked up in the project, too.
            b"project_id = $1 and (due_at is null or due_at <= $2)",
            # The places are those of rows that were looked up in the project.
            b"project_id = $1 and ctid = any",
            # It says only that replays are to be looked up, which happens in the project.
            b'project_id = $1 and endpoint_id = $2) as "has_replay!"',
            # It says only that positions are to be given, which happens in the project.
            b"project_id = $1 order by sequence limit 1) is not null\n               and exists (",
        ],
    ),
]


def stores(tenant):
    """The files with the queries, without those that run only on a distributed database (`make test-citus`)."""
    files = (path for folder in tenant.folders for path in sorted((ROOT / folder).rglob("*.rs")))
    of_stores = (path for path in files if path.name == "store.rs" or path.parent.name == "store")
    of_stores = (path for path in of_stores if not path.stem.endswith("_on_nodes"))
    return [path for path in of_stores if any(grant in path.read_bytes() for grant in tenant.grants)]


def places(tenant, source):
    """Each condition outside comments: its line, the piece of text around it, and where it begins in this piece. A piece
    goes from quote to quote, so it lies in one part of the program."""
    for found in re.finditer(rb"\b" + re.escape(tenant.condition), source):
        line_start = source.rindex(b"\n", 0, found.start()) + 1
        if source[line_start:].lstrip().startswith(b"//"):
            continue
        if any(source.startswith(other, found.start()) for other in tenant.beside_others):
            continue
        start, end = source.rindex(b'"', 0, found.start()) + 1, source.index(b'"', found.end())
        yield source.count(b"\n", 0, found.start()) + 1, source[start:end], found.start() - start


def build(name):
    """Builds a test program; returns its path."""
    command = ["cargo", "test", "--locked", "--test", name, "--no-run", "--message-format", "json"]
    output = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout
    artifacts = [json.loads(line) for line in output.splitlines() if line.startswith(b"{")]
    programs = [one["executable"] for one in artifacts if one.get("target", {}).get("name") == name]
    return Path(next(program for program in programs if program))


class Outcome(NamedTuple):
    """Which tests of a run have passed and failed, and what it printed."""

    passed: List[str]
    failed: List[str]
    output: List[str]


def run(program, filter, is_enough=lambda outcome: False):
    """Runs the tests that match, until they are enough. What a mutant never does is not waited for as long as what a slow
    machine does late."""
    environment = os.environ | {"UNIBOOKS_TEST_PATIENCE": "10"}
    outcome = Outcome([], [], [])
    with subprocess.Popen(
        [program, filter], cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as tests:
        for line in tests.stdout:
            outcome.output.append(line)
            if ended := re.match(r"test (\S+) \.\.\. (ok|FAILED)$", line):
                (outcome.passed if ended[2] == "ok" else outcome.failed).append(ended[1])
                if is_enough(outcome):
                    tests.terminate()
                    return outcome
    if bool(tests.returncode) != bool(outcome.failed):
        sys.exit(f"{''.join(outcome.output)}\nthe tests of {filter} ended with {tests.returncode}")
    return outcome


def mutate(tenant, program, original, piece, offset):
    """Writes the program with the condition overwritten wherever this piece of text is in it."""
    at = original.find(piece)
    if at < 0:
        return False
    mutant = bytearray(original)
    while at >= 0:
        mutant[at + offset : at + offset + len(tenant.condition)] = ALWAYS_TRUE.ljust(len(tenant.condition))
        at = original.find(piece, at + 1)
    program.write_bytes(mutant)
    program.chmod(0o755)
    return True


def notice(tenant, program, path, place):
    """Demands that a test fails, and that the second line holds; prints the first test that fails."""

    def holds_second_line(outcome):
        return not tenant.second_line or any(tenant.second_line in test for test in outcome.passed)

    # The tests of the query's own folder come first. Where there are none, nothing is run.
    own = "::".join([*path.relative_to(ROOT / "src").parts[:2], tenant.filters[0]])
    for filter in [own, *tenant.filters]:
        tests = run(program, filter, lambda outcome: outcome.failed and holds_second_line(outcome))
        if tests.failed:
            break
    else:
        sys.exit(f"nobody notices when the tenant's condition is missing from {place}")
    if not holds_second_line(tests):
        shown = run(program, tenant.second_line)
        if shown.failed:
            sys.exit(f"{''.join(shown.output)}\na foreign row is shown when the condition is missing from {place}")
    print(f"noticed: {place} without its tenant: {tests.failed[0]}", flush=True)


def try_all(tenant):
    """Tries each query of a kind of tenant; returns how many there are."""
    original = build(tenant.program).read_bytes()
    program = ROOT / "target" / "mutants" / tenant.program
    program.parent.mkdir(parents=True, exist_ok=True)
    program.write_bytes(original)
    program.chmod(0o755)
    for filter in tenant.filters:
        tests = run(program, filter)
        if tests.failed:
            sys.exit(f"{''.join(tests.output)}\nthe tests fail without any mutant")
    noticed = 0
    for path in stores(tenant):
        for line, piece, offset in places(tenant, path.read_bytes()):
            place = f"{path.relative_to(ROOT)}:{line}"
            if not mutate(tenant, program, original, piece, offset):
                sys.exit(f"the query of {place} is not in the test program")
            notice(tenant, program, path, place)
            noticed += 1
    program.unlink(missing_ok=True)
    return noticed


def main():
    # Side by side: each test program has a Postgres of its own.
    with ThreadPoolExecutor() as pool:
        for tenant, noticed in zip(TENANTS, pool.map(try_all, TENANTS)):
            if not noticed:
                sys.exit(f"no query was found in {tenant.folders}")


main()
