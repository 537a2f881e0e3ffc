"""A company in US dollars: currencies, chart of accounts, fiscal years, and the ways in which it is paid."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from proteus import Model, Wizard
from trytond.modules.account.tests.tools import create_chart, create_fiscalyear
from trytond.modules.account_invoice.tests.tools import set_fiscalyear_invoice_sequences
from trytond.modules.company.tests.tools import create_company, get_company

# Code, name, digits, and how many of it are worth one US dollar.
CURRENCIES = [("USD", "US Dollar", 2, "1"), ("EUR", "Euro", 2, "0.8"), ("JPY", "Yen", 0, "150")]
# Accounts of cash in the chart. Payments reach the first by one method, the second by two, the third by none.
METHODS = {"1.1.1": ["Bank transfer"], "1.1.3": ["Card", "Cheque"], "1.1.2": []}


@dataclass(frozen=True)
class Books:
    """What invoices need of the company."""

    company: Model
    accounts: dict[str, Model]
    currencies: dict[str, Model]


def create(year: int) -> Books:
    """Creates the company. It has fiscal years for the year, the one before and the one after."""
    currencies = {code: create_currency(year, code, *rest) for code, *rest in CURRENCIES}
    party = Model.get("party.party")(name="Juniper Trading")
    party.save()
    create_company(party=party, currency=currencies["USD"])
    company = get_company()
    create_chart(company)
    for number in (year - 1, year, year + 1):
        create_fiscal_year(company, number)
    close_first_period(year - 1)
    accounts = {account.code: account for account in Model.get("account.account").find([("code", "!=", None)])}
    create_payment_methods(accounts)
    return Books(company, accounts, currencies)


def create_currency(year: int, code: str, name: str, digits: int, rate: str) -> Model:
    currency = Model.get("currency.currency")(code=code, name=name, digits=digits, rounding=Decimal(1).scaleb(-digits))
    currency.save()
    Model.get("currency.currency.rate")(currency=currency, date=date(year - 1, 1, 1), rate=Decimal(rate)).save()
    return currency


def create_fiscal_year(company: Model, number: int) -> None:
    whole_year = date(number, 1, 1), date(number, 12, 31)
    fiscal_year = set_fiscalyear_invoice_sequences(create_fiscalyear(company, whole_year))
    numbers, = fiscal_year.invoice_sequences
    # Invoices of two years never have the same number.
    numbers.out_invoice_sequence.prefix = f"{number}-"
    numbers.out_invoice_sequence.save()
    fiscal_year.save()
    fiscal_year.click("create_period")


def close_first_period(number: int) -> None:
    """Closes January: payments of that month are refused."""
    period, = Model.get("account.period").find([("start_date", "=", date(number, 1, 1))])
    period.click("close")


def create_payment_methods(accounts: dict[str, Model]) -> None:
    journal, = Model.get("account.journal").find([("type", "=", "cash")])
    for code, names in METHODS.items():
        for name in names:
            method = Model.get("account.invoice.payment.method")(name=name, journal=journal)
            method.credit_account = method.debit_account = accounts[code]
            method.save()
