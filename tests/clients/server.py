"""The real binary: `unibooks dev` with its private Postgres, and the commands that make keys."""

import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path

# Postgres is set up from nothing on the first start; a slow machine takes some seconds for it.
START_SECONDS = 120
# Longer than UNIBOOKS_SHUTDOWN_TIMEOUT, so that the server ends by itself.
STOP_SECONDS = 40
COMMAND_SECONDS = 30


@dataclass(frozen=True)
class Tenant:
    """A project with its own key and connection, so that a test sees only its own payments."""

    project: str
    api_key: str
    connection_token: str


class Server:
    def __init__(self, binary: Path, *arguments: str):
        self.binary = binary
        self.folder = Path(tempfile.mkdtemp(prefix="unibooks-clients-"))
        # If root runs the tests, Postgres runs as another user, who needs access through this folder.
        self.folder.chmod(0o711)
        self.data_dir = self.folder / "data"
        self.output: list[str] = []
        self.log: list[str] = []
        self.secrets: list[str] = []
        self._changed = threading.Condition()
        self._open_streams = 2
        self._process = subprocess.Popen(
            [
                binary,
                "dev",
                f"--data-dir={self.data_dir}",
                "--listen=127.0.0.1:0",
                "--metrics-listen=127.0.0.1:0",
                *arguments,
            ],
            # Not the project's folder, so that a developer's .env has no effect.
            cwd=self.folder,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for stream, lines in ((self._process.stdout, self.output), (self._process.stderr, self.log)):
            threading.Thread(target=self._follow, args=(stream, lines), daemon=True).start()
        self.address = self._wait_for(self._find_address, "the log line `listening`")
        self.database_url = self._wait_for(self._find_database, "the line `database` on standard output")

    @property
    def url(self) -> str:
        return f"http://{self.address}"

    def demo(self) -> dict[str, str]:
        """The credentials of the demo project, as `dev` keeps them for its owner."""
        return json.loads((self.data_dir / "demo.json").read_text())

    def command(self, *arguments: str) -> str:
        """Runs a command of the binary on the server's database and returns its output."""
        done = subprocess.run(
            [self.binary, *arguments],
            cwd=self.folder,
            env=environment() | {"DATABASE_URL": self.database_url},
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
        )
        assert done.returncode == 0, f"unibooks {' '.join(arguments)}: {done.stderr}"
        return done.stdout

    def create(self, noun: str, *arguments: str) -> dict[str, str]:
        """Makes a project, API key or connection and returns its JSON."""
        made = json.loads(self.command(noun, "create", *arguments, "--json"))
        self.secrets += [value for name, value in made.items() if name in ("api_key", "connection_token")]
        return made

    def create_key(self, project: str, *options: str) -> dict[str, str]:
        return self.create("api-key", f"--project={project}", "--name=tests", *options)

    def create_connection(self, project: str, *options: str) -> dict[str, str]:
        return self.create("connection", f"--project={project}", "--label=tests", *options)

    def new_tenant(self) -> Tenant:
        project = self.create("project", "--name=clients")["id"]
        key, connection = self.create_key(project), self.create_connection(project)
        return Tenant(project, key["api_key"], connection["connection_token"])

    def stop(self) -> int:
        """Stops the server with SIGTERM and returns its exit code."""
        self._process.send_signal(signal.SIGTERM)
        try:
            return self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise
        finally:
            shutil.rmtree(self.folder, ignore_errors=True)

    def log_records(self) -> list[dict]:
        """The records of the log. It is JSON because it is not written to a terminal."""
        return [json.loads(line) for line in self.log if line.startswith("{")]

    def _follow(self, stream, lines: list[str]) -> None:
        for line in stream:
            with self._changed:
                lines.append(line)
                self._changed.notify_all()
        with self._changed:
            self._open_streams -= 1
            self._changed.notify_all()

    def _wait_for(self, find, what: str) -> str:
        with self._changed:
            self._changed.wait_for(lambda: find() or self._open_streams == 0, START_SECONDS)
            found = find()
        if found is None:
            self._process.kill()
            self._process.wait()
            raise RuntimeError(f"{what} did not come\n{''.join(self.output)}{''.join(self.log)}")
        return found

    def _find_address(self) -> str | None:
        fields = (record.get("fields", record) for record in self.log_records())
        return next((f["address"] for f in fields if f.get("message") == "listening"), None)

    def _find_database(self) -> str | None:
        lines = (re.match(r"\s*database\s+(postgres\S+)", line) for line in self.output)
        return next((line[1] for line in lines if line), None)


def environment() -> dict[str, str]:
    """The caller's environment without the server's settings, except for the place of Postgres."""
    kept = {"UNIBOOKS_POSTGRES_BIN"}
    return {
        name: value
        for name, value in os.environ.items()
        if name in kept or not (name.startswith("UNIBOOKS_") or name == "DATABASE_URL")
    }
