"""The exact bytes that the Python library 0.7.0 and the TypeScript library 0.14.0 send."""

import json
import re
import select
import socket
from http.client import HTTPResponse
from pathlib import Path

import pytest

from server import Server, Tenant

REQUESTS = Path(__file__).parent / "requests"
PAGE = json.loads((REQUESTS / "page_response.json").read_text())
# Members that differ from the documented example: the server makes them, or the requests leave them empty.
MADE = {"id", "created_at", "modified_at"}
NONE_YET = {"remote_id", "remote_updated_at", "remote_data"}
# Both libraries' decoders (contract §1.3).
TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.(\d{3}|\d{6}|\d{9}))?(Z|[+-]\d\d:\d\d)")


def request(name: str, server: Server, tenant: Tenant) -> bytes:
    """A recorded request, for this server and with this tenant's credentials."""
    raw = (REQUESTS / name).read_bytes()
    for recorded, ours in (
        (b"127.0.0.1:8931", server.address),
        (b"sk_dev_test", tenant.api_key),
        (b"b008e199-eda9-4629-bd41-a01b6195864a", tenant.connection_token),
    ):
        assert raw.count(recorded) == 1
        raw = raw.replace(recorded, ours.encode())
    return raw


@pytest.fixture
def line(server: Server):
    """One TCP connection, kept alive between requests as in both libraries."""
    host, _, port = server.address.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=30) as line:
        yield line


def send(line: socket.socket, raw: bytes) -> tuple[HTTPResponse, dict]:
    line.sendall(raw)
    response = HTTPResponse(line)
    response.begin()
    return response, json.loads(response.read())


@pytest.mark.parametrize("library", ["py", "ts"])
def test_create_answers_the_documented_example(library: str, line, server, tenant):
    response, payment = send(line, request(f"{library}_create.http", server, tenant))
    assert response.status == 201
    assert response.headers["content-type"] == "application/json"
    # Without connected software it has one state.
    assert payment.pop("remote_status") == "none"
    assert payment.keys() == PAGE.keys()
    for name, expected in PAGE.items():
        if name == "line_items":
            # The documented members, and four that the original server intended.
            assert [{member: item[member] for member in expected[0]} for item in payment[name]] == expected
        elif name == "field_mappings":
            assert payment[name] == {}
        elif name in NONE_YET:
            assert payment[name] is None
        elif name not in MADE:
            assert payment[name] == expected
    assert type(payment["total_amount"]) is int
    assert type(payment["line_items"][0]["value"]) is int
    for timestamp in (payment["transaction_date"], payment["created_at"], payment["modified_at"]):
        assert TIMESTAMP.fullmatch(timestamp)


@pytest.mark.parametrize("library", ["py", "ts"])
def test_list_answers_the_three_members(library: str, line, server, tenant):
    response, empty = send(line, request(f"{library}_list.http", server, tenant))
    assert response.status == 200
    assert response.headers["content-type"] == "application/json"
    assert empty == {"prev_cursor": None, "next_cursor": None, "data": []}
    _, payment = send(line, request(f"{library}_create.http", server, tenant))
    _, listed = send(line, request(f"{library}_list.http", server, tenant))
    assert listed == {"prev_cursor": None, "next_cursor": None, "data": [payment]}


def test_refusal_before_the_body_keeps_the_connection(line, server, tenant):
    """Both libraries send head and body separately and reuse the connection, also after a refusal."""
    head, body = request("py_create.http", server, tenant).split(b"\r\n\r\n")
    line.sendall(head.replace(tenant.api_key.encode(), b"sk_dev_test") + b"\r\n\r\n")
    # The server can refuse a caller without the body, so the answer may come now.
    select.select([line], [], [], 0.2)
    response, problem = send(line, body)
    assert response.status == problem["status"] == 401
    if response.headers["connection"] != "close":
        response, _ = send(line, request("py_list.http", server, tenant))
        assert response.status == 200
