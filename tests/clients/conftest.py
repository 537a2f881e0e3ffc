"""One server for all tests, and a tenant for each test."""

import os
from pathlib import Path

import pytest

from books import Books
from server import Server, Tenant

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def server():
    target = Path(os.environ.get("CARGO_TARGET_DIR", PROJECT / "target"))
    binary = Path(os.environ.get("UNIBOOKS_BIN", target / "debug" / "unibooks")).resolve()
    if not binary.is_file():
        pytest.exit(f"{binary} is missing: run `cargo build`, or name the binary in UNIBOOKS_BIN", returncode=2)
    server = Server(binary)
    yield server
    code = server.stop()
    assert code == 0, f"asked to stop, the server ended with {code}\n{''.join(server.log)}"
    # No test here provokes a server error, and the log must not contain keys: more people read it.
    errors = [record for record in server.log_records() if record.get("level") == "ERROR"]
    assert errors == []
    assert not any(secret in line for secret in server.secrets for line in server.log)


@pytest.fixture
def tenant(server: Server) -> Tenant:
    return server.new_tenant()


@pytest.fixture
def other_tenant(server: Server) -> Tenant:
    return server.new_tenant()


@pytest.fixture
def connect(server: Server, tenant: Tenant):
    """Makes a program with the tenant's credentials, or with another key or token."""
    made: list[Books] = []

    def connect(api_key: str | None = None, token: str | None = None, **options) -> Books:
        api_key = tenant.api_key if api_key is None else api_key
        token = tenant.connection_token if token is None else token
        made.append(Books(server.url, api_key, token, **options))
        return made[-1]

    yield connect
    for books in made:
        books.client.close()


@pytest.fixture
def books(connect) -> Books:
    return connect()
