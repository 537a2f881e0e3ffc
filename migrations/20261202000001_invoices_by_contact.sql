-- no-transaction
-- The order of lists of invoices that are filtered by contact_id.
create index concurrently if not exists reference_invoice_contact
    on reference (connection_id, (fields ->> 'contact_id'), created_at, id) where resource = 'invoice';
