"""The first steps of a new user."""

import asyncio
import stat

from books import Books
from examples import PAYMENT
from server import Server


def test_root_and_health(books: Books):
    assert books.sdk.hello()
    assert books.answer.headers["content-type"].startswith("text/plain")
    assert books.sdk.health() == 200


def test_root_and_health_asynchronously(books: Books):
    async def program():
        async with books.async_client:
            return await books.sdk.hello_async(), await books.sdk.health_async()

    hello, health = asyncio.run(program())
    assert hello
    assert health == 200


def test_demo_credentials_work_and_only_their_owner_reads_them(server: Server):
    demo = server.demo()
    payment = Books(server.url, demo["api_key"], demo["connection_token"]).create(PAYMENT)
    assert payment.id
    assert stat.S_IMODE((server.data_dir / "demo.json").stat().st_mode) == 0o600


def test_printed_curl_has_the_demo_credentials_and_address(server: Server):
    printed = "".join(server.output)
    assert "curl" in printed
    for part in (f"{server.url}/accounting/payments", *server.demo().values()):
        assert part in printed
