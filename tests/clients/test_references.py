"""Contacts, invoices and what else payments refer to: `list` and `retrieve` of the library."""

import json
import subprocess
import uuid
from pathlib import Path

import pytest
from panora_sdk import models

from books import Books
from problems import refused
from server import Server, Tenant

BINDIR = Path(__file__).resolve().parents[2] / "scripts" / "ensure-postgres.sh"

# The members of each resource that the library knows, as sync stores them.
MEMBERS = {
    "contact": {
        "name": "Acme Ltd", "is_supplier": False, "is_customer": True, "email_address": "a@acme.example",
        "tax_number": "DE1", "status": "Active", "currency": "USD", "addresses": [], "phone_numbers": [],
    },
    "invoice": {
        "type": "ACCOUNTS_RECEIVABLE", "number": "INV/1", "issue_date": "2026-11-02T00:00:00Z",
        "due_date": "2026-12-02T00:00:00Z", "currency": "USD", "exchange_rate": "1.20", "total_amount": 11000,
        "balance": 11000, "status": "Open", "contact_id": str(uuid.uuid4()), "tracking_categories": [],
        "line_items": [{"name": "Hours", "value": 11000, "description": "Hours", "quantity": 1.5,
                        "total_amount": 11000, "tracking_categories": []}],
    },
    "account": {
        "name": "Main bank", "classification": "Asset", "type": "Bank", "status": "Active", "currency": "USD",
        "account_number": "0100", "current_balance": -5, "is_payment_account": True,
    },
    "company_info": {
        "name": "Books Ltd", "currency": "USD", "fiscal_year_end_month": 12, "fiscal_year_end_day": 31,
        "urls": ["https://books.example"], "tracking_categories": [],
    },
    "tracking_category": {"name": "Sales", "status": "Active", "category_type": "CLASS"},
}
CALLS = {
    "contact": "contacts", "invoice": "invoices", "account": "accounts", "company_info": "companyinfos",
    "tracking_category": "trackingcategories",
}


def store(server: Server, tenant: Tenant, connection: str, count: int) -> dict[str, list[str]]:
    """Stores objects of each resource, as a pull does, and returns their ids in order of creation."""
    ids, statements = {}, []
    for resource, members in MEMBERS.items():
        ids[resource] = [str(uuid.uuid4()) for _ in range(count)]
        for number, id in enumerate(ids[resource]):
            fields = json.dumps(members).replace("'", "''")
            statements.append(
                f"insert into reference values ('{connection}', '{id}', '{resource}', '{number}', '{number:04}', '1', "
                f"'{fields}', '{{\"raw\": {number}}}', '2026-11-01Z', false, '2026-11-03Z'::timestamptz + "
                f"{number} * interval '1 second', '2026-11-03Z');"
            )
    run_sql(server, "\n".join(statements))
    return ids


def run_sql(server: Server, statements: str) -> None:
    """Does what the server does by itself and no call can ask for."""
    folder = subprocess.run([BINDIR, "--bindir"], capture_output=True, text=True, check=True).stdout.strip()
    psql = [f"{folder}/psql", "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--dbname", server.database_url]
    subprocess.run(psql, input=statements, text=True, check=True)


@pytest.fixture
def filled(server: Server, tenant: Tenant) -> dict[str, list[str]]:
    listed = json.loads(server.command("connection", "list", f"--project={tenant.project}", "--json"))
    return store(server, tenant, listed[0]["id"], 3)


def resource_of(books: Books, resource: str):
    return getattr(books.sdk.accounting, CALLS[resource])


@pytest.mark.parametrize("resource", MEMBERS)
def test_objects_are_listed_and_retrieved(books: Books, filled, resource: str):
    calls = resource_of(books, resource)
    page = calls.list(x_connection_token=books.token)
    assert [found.id for found in page.result.data] == filled[resource]
    first = page.result.data[0]
    assert calls.retrieve(x_connection_token=books.token, id=first.id) == first
    assert first.remote_id == "0"
    known = type(first).model_fields
    for name, value in MEMBERS[resource].items():
        if name in known and name not in ("line_items", "issue_date", "due_date"):
            assert getattr(first, name) == value, name


@pytest.mark.parametrize("resource", MEMBERS)
def test_pages_of_objects_lead_to_the_end(books: Books, filled, resource: str):
    page = resource_of(books, resource).list(x_connection_token=books.token, limit=2)
    walked = [found.id for found in page.result.data]
    # next() never returns None: after the last page the library starts again from the first.
    while page.result.next_cursor is not None:
        page = page.next()
        walked += [found.id for found in page.result.data]
    assert walked == filled[resource]


@pytest.mark.parametrize("resource", MEMBERS)
def test_empty_lists_and_own_records_decode(books: Books, filled, connect, other_tenant, resource: str):
    page = resource_of(books, resource).list(x_connection_token=books.token, remote_data=True)
    assert page.result.data[0].remote_data is not None
    assert books.answer.json()["data"][0]["remote_data"] == {"raw": 0}
    theirs = connect(other_tenant.api_key, other_tenant.connection_token)
    assert resource_of(theirs, resource).list(x_connection_token=theirs.token).result.data == []


def test_invoice_shows_its_dates_and_lines(books: Books, filled):
    invoice = books.sdk.accounting.invoices.retrieve(x_connection_token=books.token, id=filled["invoice"][0])
    assert invoice.issue_date.isoformat() == "2026-11-02T00:00:00+00:00"
    assert [(line.name, line.value) for line in invoice.line_items] == [("Hours", 11000)]


def test_synchronization_is_asked_for_with_the_key_alone(connect, server, tenant):
    """The library sends no connection token with these calls."""
    key = server.create_key(tenant.project, "--scope=connections:read", "--scope=connections:write")["api_key"]
    books = connect(api_key=key)
    books.sdk.sync.status(vertical=models.PathParamVertical.ACCOUNTING)
    assert books.answer.json() == {"next_sync_at": None, "data": []}
    assert "x-connection-token" not in books.answer.request.headers
    # The connection of this tenant has no software.
    assert refused(409, books.sdk.sync.resync)["code"] == "no_software"
    run_sql(server, f"update connection set provider = 'tryton' where project_id = '{tenant.project}'")
    run_sql(
        server,
        "insert into connection_software (connection_id, url, sealed_secret, status, status_since, created_at, "
        "modified_at) select id, 'http://127.0.0.1:1', '', 'paused', now(), now(), now() from connection "
        f"where project_id = '{tenant.project}'",
    )
    asked = books.sdk.sync.resync()
    assert (asked.vertical, asked.provider, asked.status) == (models.Vertical.ACCOUNTING, "tryton", None)
