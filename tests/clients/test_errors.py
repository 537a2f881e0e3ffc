"""Each class of refusal, as the library raises it."""

import asyncio
from datetime import datetime, timedelta, timezone

import httpx
import pytest
from panora_sdk.models import SDKError

from books import EAGER, Books
from examples import PAYMENT
from problems import faults, pointers, problem, refused, comparable

UNKNOWN_ID = "00000000-0000-7000-8000-000000000000"
# Well formed and with a valid checksum, but unknown to every server.
UNKNOWN_KEY = "ub_key_0123456789abcdefghijABCDEFGHIJ010pIFRH"
UNKNOWN_TOKEN = "ub_conn_0123456789abcdefghijABCDEFGHIJ011M8EKQ"
MEBIBYTE = 1024 * 1024


def test_401_for_an_unknown_or_malformed_key(connect, tenant):
    for code, key in [
        ("unknown", UNKNOWN_KEY),
        ("malformed", "sk_dev_test"),
        ("malformed", tenant.api_key[:-1]),
        ("malformed", tenant.connection_token),
        ("missing", ""),
    ]:
        books = connect(api_key=key)
        for refusal in (refused(401, books.list), refused(401, books.create, PAYMENT)):
            assert [(fault["header"], fault["code"]) for fault in faults(refusal)] == [("x-api-key", code)]


def test_401_for_an_unknown_or_malformed_token(connect, tenant):
    for code, token in [
        ("unknown", UNKNOWN_TOKEN),
        ("malformed", "b008e199-eda9-4629-bd41-a01b6195864a"),
        ("malformed", tenant.connection_token[:-1]),
        ("malformed", tenant.api_key),
        ("missing", ""),
    ]:
        books = connect(token=token)
        for refusal in (refused(401, books.list), refused(401, books.create, PAYMENT)):
            assert [(fault["header"], fault["code"]) for fault in faults(refusal)] == [("x-connection-token", code)]


def test_401_for_a_revoked_key_or_token(connect, server, tenant):
    key, connection = server.create_key(tenant.project), server.create_connection(tenant.project)
    with_key, with_token = connect(api_key=key["api_key"]), connect(token=connection["connection_token"])
    with_key.list()
    with_token.list()
    server.command("api-key", "revoke", key["id"])
    server.command("connection", "revoke", connection["id"])
    assert faults(refused(401, with_key.list))[0]["code"] == "revoked"
    assert faults(refused(401, with_token.list))[0]["code"] == "revoked"


def test_401_for_an_expired_key_or_token(connect, server, tenant):
    # The command refuses an end in the past, so this end is a few seconds away.
    soon = datetime.now(timezone.utc) + timedelta(seconds=5)
    end = f"--expires-at={soon:%Y-%m-%dT%H:%M:%SZ}"
    key, connection = server.create_key(tenant.project, end), server.create_connection(tenant.project, end)
    for books in (connect(api_key=key["api_key"]), connect(token=connection["connection_token"])):
        while datetime.now(timezone.utc) <= soon:
            books.get("/livez")
        assert faults(refused(401, books.list))[0]["code"] == "expired"


def test_401_is_the_same_for_a_foreign_and_an_unknown_token(connect, other_tenant):
    unknown = refused(401, connect(token=UNKNOWN_TOKEN).list)
    foreign = refused(401, connect(token=other_tenant.connection_token).list)
    assert comparable(foreign) == comparable(unknown)
    # The other tenant's key does not work with this tenant's token either.
    refused(401, connect(api_key=other_tenant.api_key).list)


def test_403_for_a_read_only_key(connect, server, tenant):
    reader = connect(api_key=server.create_key(tenant.project, "--read-only")["api_key"])
    made = connect().create(PAYMENT)
    refused(403, reader.create, PAYMENT)
    assert reader.list().result.data == [made]
    assert reader.retrieve(made.id) == made


def test_404_is_the_same_for_unknown_foreign_and_malformed_ids(connect, other_tenant):
    foreign = connect(other_tenant.api_key, other_tenant.connection_token).create(PAYMENT).id
    books = connect()
    answers = [comparable(refused(404, books.retrieve, id)) for id in (UNKNOWN_ID, foreign, "no-id")]
    assert answers[0] == answers[1] == answers[2]


def test_413_for_a_too_large_body(books: Books):
    refused(413, books.create, {"type": "x" * 2 * MEBIBYTE})


def test_422_names_every_fault_of_the_body_at_once(books: Books):
    invalid = {
        "invoice_id": "no-uuid",
        "currency": "XQX",
        "exchange_rate": "-1",
        "total_amount": 100.5,
        "type": "nul \0",
        "tracking_categories": [PAYMENT["invoice_id"], "no-uuid"],
        "line_items": [{"value": 1}, {"name": "x" * 1025}, {"value": 2.0**53, "company_info_id": "no-uuid"}],
    }
    assert pointers(refused(422, books.create, invalid)) == {
        "/invoice_id",
        "/currency",
        "/exchange_rate",
        "/total_amount",
        "/type",
        "/tracking_categories/1",
        "/line_items/1/name",
        "/line_items/2/value",
        "/line_items/2/company_info_id",
    }
    assert books.list().result.data == []


def test_422_for_too_many_line_items(books: Books):
    assert pointers(refused(422, books.create, {"line_items": [{"value": 1}] * 1001})) == {"/line_items"}


@pytest.mark.parametrize(
    ("parameter", "value"),
    [("limit", 0), ("limit", 201), ("limit", 2.5), ("limit", -1), ("cursor", "nonsense")],
)
def test_422_names_the_parameter_of_a_list(books: Books, parameter: str, value):
    found = faults(refused(422, books.list, **{parameter: value}))
    assert [fault["parameter"] for fault in found] == [parameter]


def test_422_for_a_cursor_of_another_connection(connect, other_tenant):
    ours, theirs = connect(), connect(other_tenant.api_key, other_tenant.connection_token)
    for books in (ours, theirs):
        books.create({})
        books.create({})
    refused(422, ours.list, limit=1, cursor=theirs.list(limit=1).result.next_cursor)


def test_refusals_reach_asynchronous_programs(connect):
    async def program(books: Books, call):
        async with books.async_client:
            with pytest.raises(SDKError) as raised:
                await call
        return raised.value

    books = connect()
    problem(422, asyncio.run(program(books, books.create_async({"total_amount": 0.5}))))
    books = connect()
    problem(404, asyncio.run(program(books, books.retrieve_async(UNKNOWN_ID))))
    books = connect(api_key="sk_dev_test")
    problem(401, asyncio.run(program(books, books.list_async())))


def test_retries_never_repeat_a_client_error(connect, server, tenant):
    read_only = server.create_key(tenant.project, "--read-only")["api_key"]
    for status, options, call in [
        (401, {"api_key": "sk_dev_test"}, lambda books: books.create(PAYMENT)),
        (403, {"api_key": read_only}, lambda books: books.create(PAYMENT)),
        (404, {}, lambda books: books.retrieve(UNKNOWN_ID)),
        (413, {}, lambda books: books.create({"type": "x" * 2 * MEBIBYTE})),
        (422, {}, lambda books: books.create({"total_amount": 0.5})),
        (422, {}, lambda books: books.list(limit=0)),
    ]:
        books = connect(retry=EAGER, **options)
        refused(status, call, books)
        assert len(books.answers) == 1, f"{status} was repeated"


def test_retries_are_switched_on_in_the_test_above(connect):
    """Its control: the same configuration repeats a 503."""
    answers = iter([httpx.Response(503), httpx.Response(201, json={"id": "x", "line_items": []})])
    books = connect(retry=EAGER, transport=httpx.MockTransport(lambda request: next(answers)))
    assert books.create(PAYMENT).id == "x"
    assert len(books.answers) == 2
