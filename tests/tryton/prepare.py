"""Makes a database of Tryton with the books that the tests start from. It must exist and be empty.

    TRYTOND_DATABASE__URI=postgresql://user@host:port/ prepare.py DATABASE PASSWORD YEAR

The password becomes that of all users (`people.py`). The year is today's. The variable is Tryton's own setting.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

MODULES = ["account_invoice", "account_payment", "account_statement", "analytic_invoice"]


def create_tables(database: str, password: str) -> None:
    """Lets Tryton's own command create the tables, as an administrator would."""
    with tempfile.NamedTemporaryFile("w") as file:
        file.write(password)
        file.flush()
        admin = Path(sys.executable).with_name("trytond-admin")
        command = [admin, "--database", database, "--update", *MODULES]
        options = ["--activate-dependencies", "--email", "admin@example.com"]
        subprocess.run([*command, *options], env=os.environ | {"TRYTONPASSFILE": file.name}, check=True)


def fill(database: str, password: str, year: int) -> None:
    from proteus import config

    session = config.set_trytond(os.environ["TRYTOND_DATABASE__URI"] + database)
    # It warns of dates in the past, which are meant here.
    session.skip_warning = True
    # They ask Tryton for its models when they are imported, which needs the line above.
    import company
    import invoices
    import people

    books = company.create(year)
    invoices.create(books, year)
    people.create(books.company, password)


if __name__ == "__main__":
    name, secret, current_year = sys.argv[1:]
    create_tables(name, secret)
    fill(name, secret, int(current_year))
