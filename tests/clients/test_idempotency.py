"""`Idempotency-Key`. A user of the library sets it on the HTTP client that the library uses."""

import asyncio
import json

import httpx
import pytest

from books import EAGER, Books
from examples import LINE_ITEM, PAYMENT
from problems import document, faults, refused


def with_key(connect, key: str, **options) -> Books:
    return connect(headers={"Idempotency-Key": key}, **options)


def test_replay_has_the_same_bytes(connect):
    books = with_key(connect, "order-1")
    first = books.create(PAYMENT)
    again = books.create(PAYMENT)
    assert again == first
    original, replay = books.answers
    assert original.status_code == replay.status_code == 201
    assert original.content == replay.content
    assert original.headers["location"] == replay.headers["location"]
    assert replay.headers["content-type"] == "application/json"
    assert replay.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in original.headers
    assert len(books.list().result.data) == 1


def test_replay_repeats_the_warnings(connect):
    books = with_key(connect, "order-2")
    payment = {"transaction_date": PAYMENT["transaction_date"].replace(tzinfo=None)}
    books.create(payment)
    books.create(payment)
    assert "warnings" in books.answers[0].json()
    assert books.answers[0].content == books.answers[1].content


def test_bare_and_quoted_keys_are_the_same(connect):
    first = with_key(connect, "order-3").create(PAYMENT)
    books = with_key(connect, '"order-3"')
    assert books.create(PAYMENT) == first
    assert books.answer.headers["idempotent-replayed"] == "true"


def test_equal_meaning_is_the_same_request(connect):
    books = with_key(connect, "order-4")
    first = books.create({"total_amount": 10000, "currency": "USD"})
    request = books.answer.request
    # Another order, more white space, and a whole number, which the library cannot write.
    same = books.client.post(
        request.url,
        content=b'{ "currency": "usd",\n  "total_amount": 10000 }',
        headers={name: request.headers[name] for name in ("x-api-key", "x-connection-token", "content-type")},
    )
    assert same.status_code == 201
    assert same.json()["id"] == first.id
    assert same.headers["idempotent-replayed"] == "true"


def test_a_key_with_another_request_is_refused(connect):
    books = with_key(connect, "order-5")
    first = books.create(PAYMENT)
    refused(422, books.create, PAYMENT | {"total_amount": 10001})
    refused(422, books.create, PAYMENT | {"line_items": [LINE_ITEM | {"name": "Another"}]})
    assert [payment.id for payment in books.list().result.data] == [first.id]


def test_a_key_belongs_to_one_connection(connect, server, tenant):
    ours = with_key(connect, "order-6")
    theirs = with_key(connect, "order-6", token=server.create_connection(tenant.project)["connection_token"])
    assert ours.create(PAYMENT).id != theirs.create(PAYMENT).id
    assert "idempotent-replayed" not in theirs.answer.headers


@pytest.mark.parametrize("key", ["", "k" * 256, '"no end', "tab\tinside"])
def test_a_malformed_key_is_refused(connect, key: str):
    books = with_key(connect, key)
    refused(400, books.create, PAYMENT)
    assert connect().list().result.data == []


def test_a_refused_request_leaves_its_key_free(connect):
    books = with_key(connect, "order-7")
    refused(422, books.create, {"total_amount": 0.5})
    books.create({"total_amount": 50})
    assert "idempotent-replayed" not in books.answer.headers


def test_concurrent_twins_make_one_payment(connect):
    books = with_key(connect, "order-8")

    async def program():
        async with books.async_client:
            return await asyncio.gather(*(books.create_async(PAYMENT) for _ in range(8)))

    twins = asyncio.run(program())
    assert len({twin.id for twin in twins}) == 1
    assert len({answer.content for answer in books.answers}) == 1
    assert sum("idempotent-replayed" in answer.headers for answer in books.answers) == 7
    assert len(books.list().result.data) == 1


class LosesTheFirstAnswer(httpx.HTTPTransport):
    """A network that fails after the server has stored the payment: the key makes a retry safe."""

    lost = False

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = super().handle_request(request)
        if not self.lost:
            response.read()
            self.lost = True
            raise httpx.ReadTimeout("the answer was lost", request=request)
        return response


@pytest.mark.parametrize(("headers", "payments"), [({"Idempotency-Key": "order-9"}, 1), ({}, 2)])
def test_retry_after_a_lost_answer_needs_a_key_to_be_safe(connect, headers: dict, payments: int):
    books = connect(headers=headers, retry=EAGER, transport=LosesTheFirstAnswer())
    created = books.create(PAYMENT)
    listed = books.list().result.data
    assert created in listed
    # Without a key the library's retry makes a second payment.
    assert len(listed) == payments


def test_list_finds_a_payment_by_its_key(connect):
    """After a crash a program looks for its key in the list."""
    books = with_key(connect, "order-10")
    assert books.get("/accounting/payments", idempotency_key="order-10").json()["data"] == []
    created = books.create(PAYMENT)
    connect().create(PAYMENT)
    found = books.get("/accounting/payments", idempotency_key="order-10").json()
    assert found["data"] == [json.loads(books.answers[1].text)]
    assert found["data"][0]["id"] == created.id
    misspelt = document(books.get("/accounting/payments", idempotency_keys="order-10"))
    assert misspelt["status"] == 422
    assert [fault["parameter"] for fault in faults(misspelt)] == ["idempotency_keys"]
