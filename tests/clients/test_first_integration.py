"""docs/first-integration.md, run as it is printed."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from server import Server, Tenant, environment
from unreliable import Unreliable

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "first-integration.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


def run(command: list, url: str, tenant: Tenant, **variables: str) -> str:
    credentials = {"UNIBOOKS_KEY": tenant.api_key, "UNIBOOKS_TOKEN": tenant.connection_token}
    env = environment() | credentials | {"UNIBOOKS_URL": url} | variables
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def run_python(url: str, tenant: Tenant) -> str:
    return run([sys.executable, "-c", "\n".join(blocks("python"))], url, tenant)


@pytest.fixture
def server_without_database(server: Server):
    """The address of a server that answers 503, because its database is away."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    process = subprocess.Popen(
        [server.binary, "serve", f"--listen={address}", "--metrics-listen=127.0.0.1:0", "--database-timeout=1"],
        cwd=server.folder,
        env=environment() | {"DATABASE_URL": "postgres://127.0.0.1:1/none"},
        stderr=subprocess.DEVNULL,
    )
    host, port = address.split(":")
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            socket.create_connection((host, int(port))).close()
            break
        except ConnectionRefusedError:
            time.sleep(0.05)
    yield address
    process.terminate()
    process.wait()


def test_python_prints_what_the_page_says(server: Server, tenant: Tenant):
    assert run_python(server.url, tenant) == blocks("text")[-1]


def test_python_creates_once_through_a_lost_answer_and_a_503(
    server: Server, tenant: Tenant, server_without_database: str, books
):
    network = Unreliable([server.address, server_without_database, server.address], lost={0})
    assert run_python(network.url, tenant) == blocks("text")[-1]
    assert network.forwarded > 3
    assert len(books.list().result.data) == 2


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_shell_commands_give_the_answers_of_the_page(
    server: Server, tenant: Tenant, server_without_database: str, tmp_path: Path, books
):
    (tmp_path / "unibooks").symlink_to(server.binary)
    path = f"{tmp_path}:{os.environ['PATH']}"
    network = Unreliable([server.address, server_without_database, server.address], lost={0})
    answers = []
    for block in blocks("sh"):
        url = network.url if "--retry" in block else server.url
        variables = {"PATH": path, "DATABASE_URL": server.database_url, "PROJECT": tenant.project}
        answers.append(run(["bash", "-euo", "pipefail", "-c", block], url, tenant, **variables))
    made, created, refused, repeated, found, listed = answers
    server.secrets += re.findall(r"ub_(?:key|conn)_\w+", made)
    assert "api key " in made and "connection token " in made
    assert created.startswith("HTTP/1.1 201 Created")
    assert refused.startswith("HTTP/1.1 422 Unprocessable Entity")
    assert '"/currency"' in refused and '"/total_amount"' in refused
    assert "HTTP/1.1 503" in repeated and "HTTP/1.1 201 Created" in repeated and "idempotent-replayed: true" in repeated
    assert '"total_amount":2550' in found
    assert '"next_cursor":null' in listed and '"total_amount":10000' in listed and '"total_amount":2550' in listed
    # The Python program then finds both payments under their keys.
    assert run_python(server.url, tenant) == blocks("text")[-1]
    assert len(books.list().result.data) == 2
