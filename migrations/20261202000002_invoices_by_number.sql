-- no-transaction
-- The order of lists of invoices that are filtered by number. An entry of an index has a largest size, and a number
-- is the software's own text: the beginning selects enough.
create index concurrently if not exists reference_invoice_number
    on reference (connection_id, left(fields ->> 'number', 100), created_at, id) where resource = 'invoice';
