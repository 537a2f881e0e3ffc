"""The programs of the documents, run as they are printed."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from server import Server, Tenant, environment
from unreliable import Unreliable

DOCUMENTS = Path(__file__).resolve().parents[2] / "docs"


def blocks(language: str, document: str = "first-integration.md") -> list[str]:
    text = (DOCUMENTS / document).read_text()
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


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
    process = subprocess.Popen(
        [server.binary, "serve", "--listen=127.0.0.1:0", "--metrics-listen=127.0.0.1:0", "--database-timeout=1"],
        cwd=server.folder,
        env=environment() | {"DATABASE_URL": "postgres://127.0.0.1:1/none"},
        stderr=subprocess.PIPE,
        text=True,
    )
    records = (json.loads(line) for line in process.stderr)
    yield next(record["address"] for record in records if record["message"] == "listening")
    process.terminate()
    process.communicate()


def test_first_integration_prints_what_its_page_says(server: Server, tenant: Tenant):
    assert run_python(server.url, tenant) == blocks("text")[-1]


def test_first_integration_survives_a_lost_answer_and_a_503(
    server: Server, tenant: Tenant, server_without_database: str, books
):
    network = Unreliable([server.address, server_without_database, server.address], lost={0})
    assert run_python(network.url, tenant) == blocks("text")[-1]
    assert network.forwarded > 3
    assert len(books.list().result.data) == 2


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_first_integration_works_in_curl(
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


def test_sdk_program_creates_a_payment(server: Server, tenant: Tenant):
    [program] = blocks("python", "panora-sdk.md")
    program = program.replace("http://127.0.0.1:8080", server.url)
    assert run([sys.executable, "-c", program], server.url, tenant).endswith(" 10000.0 USD\n")
