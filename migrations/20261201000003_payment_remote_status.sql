-- What became of a payment in the accounting software; null where there is none. It is written with the payment and
-- changes together with the row of remote_write.
alter table payment
    add column remote_status text constraint payment_remote_status_known
        check (remote_status in ('pending', 'unknown', 'applied', 'rejected', 'needs_attention', 'voided'));
