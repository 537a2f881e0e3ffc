"""The form of every refusal: RFC 9457 with this server's extensions."""

import json

import httpx
import pytest
from panora_sdk.models import SDKError

# The statuses that both libraries repeat when retries are enabled.
REPEATED = {429, 500, 502, 503, 504}


def refused(status: int, call, *arguments, **options) -> dict:
    """Makes the call, expects the library to raise with this status, and returns the problem document."""
    with pytest.raises(SDKError) as raised:
        call(*arguments, **options)
    return problem(status, raised.value)


def problem(status: int, error: SDKError) -> dict:
    assert error.status_code == status, error.body
    return document(error.raw_response)


def document(response: httpx.Response) -> dict:
    """The problem document of an answer, after a check of its form."""
    assert response.headers["content-type"] == "application/problem+json"
    body = json.loads(response.text)
    for member in ("type", "title", "detail", "instance", "code", "request_id"):
        assert isinstance(body[member], str) and body[member], member
    assert body["status"] == response.status_code
    assert body["request_id"] == response.headers["x-request-id"]
    # The library's retries are safe: it repeats only statuses that are marked retryable.
    assert body["retryable"] is (response.status_code in REPEATED)
    assert ("www-authenticate" in response.headers) is (response.status_code == 401)
    for header in ("x-api-key", "x-connection-token"):
        secret = response.request.headers.get(header)
        assert not secret or secret not in response.text, f"the answer repeats {header}"
    return body


def pointers(problem: dict) -> set[str]:
    """The places of the faults in a body."""
    return {fault["pointer"] for fault in faults(problem)}


def faults(problem: dict) -> list[dict]:
    for fault in problem["errors"]:
        assert fault["code"] and fault["detail"]
        assert len(fault.keys() & {"pointer", "parameter", "header"}) == 1
    return problem["errors"]


def comparable(problem: dict) -> dict:
    """A problem without the members that differ for each request, to compare two answers."""
    return {member: value for member, value in problem.items() if member not in ("instance", "request_id")}
