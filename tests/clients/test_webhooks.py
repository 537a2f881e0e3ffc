"""Webhook endpoints and the verification of events, as the library calls them."""

import hashlib
import hmac
import json

import pytest

from problems import refused

URL = "http://127.0.0.1:9/hooks"
# Names in another order than the canonical one, and texts of several bytes.
EVENT = {
    "type": "accounting.payment.created",
    "id_event": "01a20a86-6772-8b44-a007-41cde40b2d10",
    "data": {"total_amount": 10000, "currency": "USD", "line_items": [{"name": "Größe €", "value": 1.10}]},
}


@pytest.fixture
def books(connect, server, tenant):
    scopes = ("--scope=webhooks:read", "--scope=webhooks:write")
    return connect(api_key=server.create_key(tenant.project, *scopes)["api_key"])


@pytest.fixture
def endpoint(books, server):
    made = books.sdk.webhooks.create(request={"url": URL, "scope": ["accounting.payment.*"], "description": "Shop"})
    server.secrets.append(made.secret)
    return made


def signature(secret: str, data) -> str:
    """HMAC-SHA256 over the canonical form. Python's own form is the same for these names and numbers."""
    canonical = json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hmac.new(secret.encode(), canonical.encode(), hashlib.sha256).hexdigest()


def test_an_endpoint_is_created_listed_and_deleted(books, endpoint):
    assert endpoint.secret.startswith("whsec_")
    assert (endpoint.url, endpoint.scope, endpoint.active) == (URL, ["accounting.payment.*"], True)
    (listed,) = books.sdk.webhooks.list()
    assert (listed.id_webhook_endpoint, listed.secret) == (endpoint.id_webhook_endpoint, "")
    deleted = books.sdk.webhooks.delete(id=endpoint.id_webhook_endpoint)
    assert deleted.id_webhook_endpoint == endpoint.id_webhook_endpoint
    assert books.sdk.webhooks.list() == []
    refused(404, books.sdk.webhooks.delete, id=endpoint.id_webhook_endpoint)


def test_an_update_without_a_body_changes_nothing_and_warns(books, endpoint):
    updated = books.sdk.webhooks.update_status(id=endpoint.id_webhook_endpoint)
    assert (updated.active, updated.url, updated.scope) == (True, endpoint.url, endpoint.scope)
    assert books.answer.json()["warnings"]


def test_events_are_the_connections_of_the_project(books, server, tenant):
    newest = server.create_connection(tenant.project)["id"]
    first, second = books.sdk.events.get_panora_core_events()
    assert (first.id_connection, first.type, first.provider) == (newest, "connection.created", "none")
    assert (first.id_project, first.status, first.timestamp > second.timestamp) == (tenant.project, "success", True)
    (only,) = books.sdk.events.get_panora_core_events(page=2, limit=1)
    assert only == second


def test_verify_event_answers_what_the_secret_has_signed(books, endpoint):
    request = {"payload": EVENT, "signature": signature(endpoint.secret, EVENT["data"]), "secret": endpoint.secret}
    assert books.sdk.webhooks.verify_event(request=request) == EVENT


def test_verify_event_answers_data_that_is_a_text(books, endpoint):
    event = EVENT | {"data": json.dumps(EVENT["data"], ensure_ascii=False)}
    request = {"payload": event, "signature": signature(endpoint.secret, event["data"]), "secret": endpoint.secret}
    assert books.sdk.webhooks.verify_event(request=request) == event


def test_verify_event_refuses_another_event_and_another_secret(books, endpoint):
    right = signature(endpoint.secret, EVENT["data"])
    other = EVENT | {"data": EVENT["data"] | {"total_amount": 10001}}
    for payload, secret in ((other, endpoint.secret), (EVENT, endpoint.secret[:-4] + "AAA=")):
        request = {"payload": payload, "signature": right, "secret": secret}
        problem = refused(400, books.sdk.webhooks.verify_event, request=request)
        assert problem["code"] == "invalid_signature"
        assert signature(secret, payload["data"]) not in json.dumps(problem)
