"""Starts the server, runs schemathesis with valid credentials and without, and looks into the log."""

import os
import random
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(PROJECT / "tests" / "clients"))

from server import Server  # noqa: E402

# JSON Schema cannot say which cursors belong to which list, which currencies there are, or whether an idempotency key
# was used before: that a request fits the schema does not mean that it must be accepted. All other checks are on.
EXCLUDED = "positive_data_acceptance"


def run(server: Server, examples: str, seed: str, *headers: str) -> int:
    arguments = [f"--header={header}" for header in headers]
    return subprocess.run(
        [
            "st", "run", f"{server.url}/openapi.json", *arguments, f"--seed={seed}", f"--max-examples={examples}",
            "--checks=all", f"--exclude-checks={EXCLUDED}", "--generation-database=none", "--no-color",
            "--continue-on-failure",
        ],
        cwd=server.folder,
    ).returncode  # fmt: skip


def main() -> int:
    examples = sys.argv[1] if len(sys.argv) > 1 else "50"
    seed = sys.argv[2] if len(sys.argv) > 2 else str(random.randrange(2**32))
    target = Path(os.environ.get("CARGO_TARGET_DIR", PROJECT / "target"))
    binary = Path(os.environ.get("UNIBOOKS_BIN", target / "debug" / "unibooks")).resolve()
    # The run without credentials is meant to be refused for each one's own reason, and not for having been refused often.
    server = Server(binary, "--failed-auth-limit=off")
    try:
        tenant = server.new_tenant()
        secrets = [f"x-api-key: {tenant.api_key}", f"x-connection-token: {tenant.connection_token}"]
        failed = run(server, examples, seed, *secrets) or run(server, examples, seed)
    finally:
        ended = server.stop()
    errors = [record for record in server.log_records() if record.get("level") == "ERROR"]
    for error in errors:
        print(error, file=sys.stderr)
    return 1 if failed or ended or errors else 0


sys.exit(main())
