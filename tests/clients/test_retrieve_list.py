"""`payments.retrieve` and `payments.list`."""

import asyncio

import pytest

from books import Books
from examples import PAYMENT


def fill(books: Books, count: int) -> list[str]:
    """Makes payments and returns their ids in order of creation."""
    return [books.create({"total_amount": number}).id for number in range(count)]


def ids(page) -> list[str]:
    return [payment.id for payment in page.result.data]


def pages(books: Books, limit: float) -> list[list[str]]:
    """Reads the whole list like a user of the library: `next()` until there is no next cursor."""
    page = books.list(limit=limit)
    walked = [ids(page)]
    # next() never returns None: after the last page the library starts again from the first.
    while page.result.next_cursor is not None:
        page = page.next()
        walked.append(ids(page))
    return walked


def test_created_payment_is_retrieved(books: Books):
    created = books.create(PAYMENT)
    created_text = books.answer.text
    assert books.retrieve(created.id) == created
    assert books.answer.text == created_text
    assert books.retrieve(created.id, remote_data=True) == created


def test_created_payment_is_retrieved_asynchronously(books: Books):
    async def program():
        async with books.async_client:
            created = await books.create_async(PAYMENT)
            return created, await books.retrieve_async(created.id), await books.list_async()

    created, retrieved, listed = asyncio.run(program())
    assert retrieved == created
    assert listed.result.data == [created]
    assert listed.result.next_cursor is None


def test_empty_list_has_no_cursors(books: Books):
    page = books.list()
    assert page.result.data == []
    assert page.result.prev_cursor is None
    assert page.result.next_cursor is None


def test_list_has_whole_payments_in_order_of_creation(books: Books):
    payments = [books.create(PAYMENT), books.create({}), books.create(PAYMENT)]
    assert books.list().result.data == payments


@pytest.mark.parametrize(
    ("count", "limit", "lengths"), [(23, 5, [5, 5, 5, 5, 3]), (10, 5, [5, 5]), (3, 1, [1, 1, 1]), (4, 200, [4])]
)
def test_paging_to_the_end_shows_every_payment_once(books: Books, count: int, limit: int, lengths: list[int]):
    made = fill(books, count)
    walked = pages(books, limit)
    assert [len(page) for page in walked] == lengths
    assert [id for page in walked for id in page] == made


def test_page_size_is_fifty_by_default(books: Books):
    made = fill(books, 52)
    assert pages(books, 50) == [made[:50], made[50:]]
    assert ids(books.list()) == ids(books.list(limit=None)) == made[:50]


def test_paging_works_asynchronously(books: Books):
    made = fill(books, 7)

    async def program():
        async with books.async_client:
            page = await books.list_async(limit=3)
            walked = ids(page)
            while page.result.next_cursor is not None:
                page = await books.list_async(limit=3, cursor=page.result.next_cursor)
                walked += ids(page)
            return walked

    assert asyncio.run(program()) == made


def test_paging_back_reaches_the_start(books: Books):
    made = fill(books, 7)
    page = books.list(limit=3)
    while page.result.next_cursor is not None:
        page = page.next()
    assert ids(page) == made[6:]
    page = books.list(limit=3, cursor=page.result.prev_cursor)
    assert ids(page) == made[3:6]
    page = books.list(limit=3, cursor=page.result.prev_cursor)
    assert ids(page) == made[:3]
    assert page.result.prev_cursor is None


def test_payments_created_while_paging_come_last(books: Books):
    made = fill(books, 4)
    first = books.list(limit=3)
    made += fill(books, 2)
    second = first.next()
    assert ids(first) + ids(second) == made
    assert second.result.next_cursor is None


def test_a_list_shows_one_connection_only(connect, other_tenant):
    ours, theirs = connect(), connect(other_tenant.api_key, other_tenant.connection_token)
    mine = fill(ours, 2)
    others = fill(theirs, 1)
    assert ids(ours.list()) == mine
    assert ids(theirs.list()) == others
