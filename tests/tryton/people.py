"""The users of Tryton: the one that a connector signs in as, and a bookkeeper."""

from proteus import Model

# Login, name, groups. `Accounting` is all that a connector needs.
USERS = [
    ("unified", "Unified API", ["Accounting"]),
    ("bookkeeper", "Bookkeeper", ["Accounting", "Accounting Administration", "Party Administration", "Payment"]),
]


def create(company: Model, password: str) -> None:
    """Creates them in a company, all with the same password."""
    for login, name, groups in USERS:
        user = Model.get("res.user")(login=login, name=name, email=f"{login}@example.com", password=password)
        for group in Model.get("res.group").find([("name", "in", groups)]):
            user.groups.append(group)
        user.companies.append(type(company)(company.id))
        user.company = company
        user.save()
