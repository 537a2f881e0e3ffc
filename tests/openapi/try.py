"""Starts the server, runs schemathesis with and without valid credentials, and checks the log for errors."""

import os
import random
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(PROJECT / "tests" / "clients"))

from server import Server  # noqa: E402

# A request that fits the schema may still be refused: JSON Schema cannot express which cursor belongs to which list,
# which currencies exist, or whether an idempotency key was used before. All other checks are on.
EXCLUDED = "positive_data_acceptance"
# Its answer has no end.
ENDLESS = "/webhooks/events/stream"


def run(server: Server, examples: str, seed: str, *headers: str) -> int:
    arguments = [f"--header={header}" for header in headers]
    return subprocess.run(
        [
            "st", "run", f"{server.url}/openapi.json", *arguments, f"--seed={seed}", f"--max-examples={examples}",
            "--checks=all", f"--exclude-checks={EXCLUDED}", f"--exclude-path={ENDLESS}",
            "--generation-database=none", "--no-color", "--continue-on-failure",
        ],
        cwd=server.folder,
    ).returncode  # fmt: skip


def main() -> int:
    examples = sys.argv[1] if len(sys.argv) > 1 else "50"
    seed = sys.argv[2] if len(sys.argv) > 2 else str(random.randrange(2**32))
    target = Path(os.environ.get("CARGO_TARGET_DIR", PROJECT / "target"))
    binary = Path(os.environ.get("UNIBOOKS_BIN", target / "debug" / "unibooks")).resolve()
    # Without this limit, the run without credentials gets the refusal of each operation instead of 429.
    server = Server(binary, "--failed-auth-limit=off")
    try:
        tenant = server.new_tenant()
        # A key may do everything, so that no call ends at its scope.
        scopes = ("payments", "accounting", "connections", "webhooks")
        options = [f"--scope={noun}:{verb}" for noun in scopes for verb in ("read", "write")]
        api_key = server.create_key(tenant.project, *options)["api_key"]
        secrets = [f"x-api-key: {api_key}", f"x-connection-token: {tenant.connection_token}"]
        failed = run(server, examples, seed, *secrets) or run(server, examples, seed)
    finally:
        ended = server.stop()
    errors = [record for record in server.log_records() if record.get("level") == "ERROR"]
    for error in errors:
        print(error, file=sys.stderr)
    return 1 if failed or ended or errors else 0


sys.exit(main())
