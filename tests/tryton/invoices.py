"""Customers, suppliers and their invoices, all dated in the year before."""

from datetime import date, timedelta
from decimal import Decimal

from company import Books
from proteus import Model, Wizard

CUSTOMERS = ["Acme Corporation", "Birch & Sons", "Cedar GmbH"]
SUPPLIERS = ["Office Supply Co", "Power Works"]
# Kind, party, amount, currency. One a week is posted, the first in February.
POSTED = [
    ("out", "Acme Corporation", "1000.00", "USD"),
    ("out", "Acme Corporation", "250.50", "USD"),
    ("out", "Acme Corporation", "0.30", "USD"),
    ("out", "Birch & Sons", "1234567.89", "USD"),
    ("out", "Birch & Sons", "80.00", "USD"),
    ("out", "Birch & Sons", "99.99", "USD"),
    ("out", "Cedar GmbH", "500.00", "EUR"),
    ("out", "Cedar GmbH", "120.40", "EUR"),
    ("out", "Cedar GmbH", "15000", "JPY"),
    ("out", "Acme Corporation", "60.00", "USD"),
    ("out", "Acme Corporation", "400.00", "USD"),
    ("out", "Birch & Sons", "-75.00", "USD"),
    ("in", "Office Supply Co", "750.00", "USD"),
    ("in", "Office Supply Co", "42.10", "USD"),
    ("in", "Power Works", "310.00", "EUR"),
]
# What is paid of them: the place in the list, and the amount.
PAID = {9: "60.00", 10: "150.00"}
# The account of an invoice's lines.
ACCOUNTS = {"out": "4.1.2", "in": "5.2.1"}


def create(books: Books, year: int) -> None:
    """Creates the parties and their invoices. Tryton numbers the invoices in the order of their dates."""
    parties = {name: create_party(name) for name in CUSTOMERS + SUPPLIERS}
    departments = create_departments(books)
    term = create_payment_term()
    first = date(year - 1, 2, 1)
    invoices = []
    for place, (kind, party, amount, currency) in enumerate(POSTED):
        invoice = draft(books, kind, parties[party], Decimal(amount), currency)
        invoice.invoice_date = first + timedelta(weeks=place)
        invoice.payment_term = term
        if kind == "in":
            invoice.reference = f"SUP-{place}"
        invoices.append(invoice)
    for entry in invoices[0].lines[0].analytic_accounts:
        entry.account = departments[0]
    # One call for all is much faster than a call for each.
    type(invoices[0]).click(invoices, "post")
    for place, amount in PAID.items():
        pay(invoices[place], Decimal(amount))
    draft(books, "out", parties["Acme Corporation"], Decimal("10.00"), "USD").save()


def create_party(name: str) -> Model:
    party = Model.get("party.party")(name=name)
    party.addresses[0].street = "1 Main Street"
    party.addresses[0].city = "Springfield"
    party.contact_mechanisms.new(type="email", value=f"books@{name.split()[0].lower()}.example")
    party.save()
    return party


def create_departments(books: Books) -> list[Model]:
    """A tracking category with two values: analytic accounts below one root."""
    Account = Model.get("analytic_account.account")
    root = Account(name="Department", type="root", company=books.company)
    root.save()
    departments = [
        Account(name=name, code=name[:3].upper(), type="normal", root=root, parent=root, company=books.company)
        for name in ("Sales", "Workshop")
    ]
    for department in departments:
        department.save()
    return departments


def create_payment_term() -> Model:
    term = Model.get("account.invoice.payment_term")(name="30 days")
    line = term.lines.new(type="remainder")
    line.relativedeltas.new(days=30)
    term.save()
    return term


def draft(books: Books, kind: str, party: Model, amount: Decimal, currency: str) -> Model:
    invoice = Model.get("account.invoice")(type=kind, party=party, currency=books.currencies[currency])
    line = invoice.lines.new()
    line.account = books.accounts[ACCOUNTS[kind]]
    line.description = "Services"
    # A credit note has a negative quantity.
    line.quantity = 1 if amount > 0 else -1
    line.unit_price = abs(amount)
    return invoice


def pay(invoice: Model, amount: Decimal) -> None:
    wizard = Wizard("account.invoice.pay", [invoice])
    wizard.form.amount = amount
    wizard.form.payment_method, = Model.get("account.invoice.payment.method").find([("name", "=", "Bank transfer")])
    wizard.form.date = invoice.invoice_date
    wizard.execute("choice")
    if wizard.state != "end":
        wizard.form.type = "partial"
        wizard.execute("pay")
