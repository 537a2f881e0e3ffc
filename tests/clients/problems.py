"""What every refusal looks like: RFC 9457 with this server's extensions."""

import json

import httpx
import pytest
from panora_sdk.models import SDKError

# What both libraries repeat on their own when retries are switched on.
REPEATED = {429, 500, 502, 503, 504}


def refused(status: int, call, *arguments, **options) -> dict:
    """Makes the call, expects the library to raise with this status, and answers the problem document."""
    with pytest.raises(SDKError) as raised:
        call(*arguments, **options)
    return problem(status, raised.value)


def problem(status: int, error: SDKError) -> dict:
    assert error.status_code == status, error.body
    return document(error.raw_response)


def document(response: httpx.Response) -> dict:
    """The problem document of an answer, once its shape is proved."""
    assert response.headers["content-type"] == "application/problem+json"
    body = json.loads(response.text)
    for member in ("type", "title", "detail", "instance", "code", "request_id"):
        assert isinstance(body[member], str) and body[member], member
    assert body["status"] == response.status_code
    assert body["request_id"] == response.headers["x-request-id"]
    # The promise behind the library's retries: what it repeats is safe to repeat, what a program must mend is not.
    assert body["retryable"] is (response.status_code in REPEATED)
    assert ("www-authenticate" in response.headers) is (response.status_code == 401)
    for header in ("x-api-key", "x-connection-token"):
        secret = response.request.headers.get(header)
        assert not secret or secret not in response.text, f"the answer repeats {header}"
    return body


def pointers(problem: dict) -> set[str]:
    """Where the faults of a body are."""
    return {fault["pointer"] for fault in faults(problem)}


def faults(problem: dict) -> list[dict]:
    for fault in problem["errors"]:
        assert fault["code"] and fault["detail"]
        assert len(fault.keys() & {"pointer", "parameter", "header"}) == 1
    return problem["errors"]


def what_differs_never(problem: dict) -> dict:
    """A problem without what belongs to one request: two with equal rest cannot be told apart."""
    return {member: value for member, value in problem.items() if member not in ("instance", "request_id")}
