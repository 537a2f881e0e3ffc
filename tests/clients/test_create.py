"""`payments.create`, synchronous and asynchronous."""

import asyncio
import json
from datetime import datetime, timedelta, timezone
from uuid import UUID

import pytest

from books import Books
from examples import ID, LINE_ITEM, NOON, PAYMENT


def assert_is_the_example(payment, started: datetime) -> None:
    """Checks that the answer has every member that was sent and those that the server adds."""
    sent = {name: value for name, value in PAYMENT.items() if name not in ("line_items", "field_mappings")}
    assert {name: getattr(payment, name) for name in sent} == sent
    assert [{name: getattr(item, name) for name in LINE_ITEM} for item in payment.line_items] == [LINE_ITEM]
    # The library drops the content, so this checks only that it is an object and not null.
    assert payment.field_mappings is not None
    assert UUID(payment.id).version == 7
    assert payment.remote_id is None
    assert payment.remote_updated_at is None
    assert payment.remote_data is None
    assert payment.created_at == payment.modified_at
    assert started - timedelta(seconds=1) <= payment.created_at <= datetime.now(timezone.utc) + timedelta(seconds=1)


def test_all_fields_are_kept(books: Books):
    started = datetime.now(timezone.utc)
    assert_is_the_example(books.create(PAYMENT, remote_data=False), started)


def test_all_fields_are_kept_asynchronously(books: Books):
    async def program():
        async with books.async_client:
            return await books.create_async(PAYMENT, remote_data=False)

    started = datetime.now(timezone.utc)
    assert_is_the_example(asyncio.run(program()), started)


def test_answer_is_201_json_with_a_location(books: Books):
    payment = books.create(PAYMENT)
    assert books.answer.status_code == 201
    assert books.answer.headers["content-type"] == "application/json"
    assert books.answer.headers["location"] == f"/accounting/payments/{payment.id}"
    assert "warnings" not in books.answer.json()


@pytest.mark.parametrize("remote_data", [True, False, None])
def test_remote_data_is_null_without_connected_software(books: Books, remote_data):
    assert books.create(PAYMENT, remote_data=remote_data).remote_data is None


def test_empty_payment_is_accepted(books: Books):
    payment = books.create({})
    assert payment.line_items == []
    answer = books.answer.json()
    assert {name: answer[name] for name in PAYMENT} == dict.fromkeys(PAYMENT) | {"line_items": []}


def test_none_is_like_an_absent_member(books: Books):
    payment = books.create(
        dict.fromkeys(PAYMENT) | {"total_amount": 5, "line_items": [dict.fromkeys(LINE_ITEM) | {"value": 5}]}
    )
    assert payment.total_amount == 5
    assert payment.currency is None
    assert payment.line_items[0].value == 5
    assert payment.line_items[0].name is None
    assert payment.line_items[0].created_at == payment.line_items[0].modified_at == payment.created_at


@pytest.mark.parametrize("amount", [0, 1, -10000, 2**53 - 1, -(2**53 - 1)])
def test_amounts_sent_as_floats_stay_exact(books: Books, amount: int):
    payment = books.create({"total_amount": amount, "line_items": [{"value": amount}]})
    assert payment.total_amount == amount
    assert payment.line_items[0].value == amount
    # Whole numbers in the JSON, so that a reader needs no float.
    answer = json.loads(books.answer.text, parse_float=pytest.fail)
    assert answer["total_amount"] == answer["line_items"][0]["value"] == amount


@pytest.mark.parametrize("rate", ["1", "1.20", "0.000100", "123456789.123456789123"])
def test_exchange_rates_keep_their_digits(books: Books, rate: str):
    assert books.create({"exchange_rate": rate}).exchange_rate == rate


def test_currencies_are_answered_in_upper_case(books: Books):
    assert books.create({"currency": "chf"}).currency == "CHF"


def test_written_offset_is_kept(books: Books):
    late_evening = datetime(2024, 6, 15, 23, 30, tzinfo=timezone(timedelta(hours=-5)))
    payment = books.create({"transaction_date": late_evening})
    assert payment.transaction_date == late_evening
    assert payment.transaction_date.utcoffset() == timedelta(hours=-5)
    assert payment.transaction_date.date() == late_evening.date()


def test_naive_datetimes_are_utc_with_a_warning(books: Books):
    naive = datetime(2024, 6, 15, 12, 0, 0, 250000)
    payment = books.create({"transaction_date": naive, "line_items": [LINE_ITEM | {"created_at": naive}]})
    assert payment.transaction_date == naive.replace(tzinfo=timezone.utc)
    assert payment.line_items[0].created_at == naive.replace(tzinfo=timezone.utc)
    warned = {warning["pointer"] for warning in books.answer.json()["warnings"]}
    assert warned == {"/transaction_date", "/line_items/0/created_at"}


def test_many_line_items_keep_their_order(books: Books):
    names = [f"item {number}" for number in range(250)]
    payment = books.create({"line_items": [{"name": name, "created_at": NOON} for name in names]})
    assert [item.name for item in payment.line_items] == names
    assert {item.created_at for item in payment.line_items} == {NOON}


def test_text_of_any_script_is_kept(books: Books):
    name = 'Überweisung «支払い» "quoted" \\ \n 🧾'
    payment = books.create({"type": name, "line_items": [{"name": name}], "tracking_categories": [ID, ID]})
    assert payment.type == payment.line_items[0].name == name
    assert payment.tracking_categories == [ID, ID]
