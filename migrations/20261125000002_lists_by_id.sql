-- Lists are in the order of `id` alone. Ids now hold the microsecond in which they were made (src/domain/ids.rs), so
-- this is the order of created_at; and it is that of the primary key, which makes an index for it needless.
--
-- Filters that find few get the list's order behind their own column, so that a page of them is one short range. All
-- others are checked along the primary key.
--
-- While the new indexes are built, some seconds for each million payments, payments are read but not written. To drop
-- the old ones takes a moment; it comes last, because it locks out readers, too.

create index payment_invoice_by_id on payment (connection_id, invoice_id, id) where invoice_id is not null;
create index payment_contact_by_id on payment (connection_id, contact_id, id) where contact_id is not null;
create index payment_remote_by_id on payment (connection_id, remote_id, id) where remote_id is not null;

drop index payment_list, payment_invoice, payment_contact, payment_remote;

alter index payment_invoice_by_id rename to payment_invoice;
alter index payment_contact_by_id rename to payment_contact;
alter index payment_remote_by_id rename to payment_remote;
