"""The documented example of a payment, as a Python program writes it."""

from datetime import datetime, timezone

ID = "801f9ede-c698-4e66-a7fc-48d19eebaa4f"
NOON = datetime(2024, 6, 15, 12, tzinfo=timezone.utc)

LINE_ITEM = {
    "name": "Net Income",
    "value": 100000,
    "type": "Operating Activities",
    "parent_item": ID,
    "remote_id": "report_item_1234",
    "remote_generated_at": datetime(2024, 7, 1, 12, tzinfo=timezone.utc),
    "company_info_id": ID,
    "created_at": NOON,
    "modified_at": NOON,
}

PAYMENT = {
    "invoice_id": ID,
    "transaction_date": NOON,
    "contact_id": ID,
    "account_id": ID,
    "currency": "USD",
    "exchange_rate": "1.2",
    "total_amount": 10000,
    "type": "Credit Card",
    "company_info_id": ID,
    "accounting_period_id": ID,
    "tracking_categories": [ID],
    "line_items": [LINE_ITEM],
    "field_mappings": {},
}
