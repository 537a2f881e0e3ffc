//! Payments: looked up by their external id, loaded, posted, matched with an invoice, and read back.

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::json;

use super::Books;
use super::error::{Failure, LoadMessage, of_load};
use super::prepare::{Direction, PaidInvoice, Write};
use super::seen::{PAYMENT, Seen};
use super::value::{Maybe, Number};
use crate::connectors::{Error, Fault, Found, RemotePayment, decimal};
use crate::domain::{Currency, MinorUnits, RemoteId};

/// The module part of our external ids. No module of Odoo has this name, so that no update removes them.
pub const MODULE: &str = "__unibooks__";

#[derive(Deserialize)]
struct Invoice {
    state: String,
    amount_residual: Number,
}

/// What a payment lacks.
enum Step<'a> {
    Post,
    Match { item: i64, invoice: &'a PaidInvoice },
}

impl Books {
    /// Looks for the payment of a key.
    pub async fn find_payment(&self, write: &Write) -> Result<Found, Error> {
        let Some(id) = self.look_up(&write.key).await? else { return Ok(Found::Absent) };
        let mut seen = self.see_surely(id).await?;
        match self.next_step(&mut seen, write).await? {
            None => Ok(Found::One(Box::new(seen.payment))),
            Some(_) => Ok(Found::Unfinished),
        }
    }

    /// Writes the payment from the first step on that is not done.
    pub async fn create_payment(&self, write: &Write) -> Result<RemotePayment, Error> {
        let id = if let Some(id) = self.look_up(&write.key).await? {
            id
        } else {
            match &write.invoice {
                Some(invoice) => self.refuse_overpayment(invoice, write).await?,
                None => self.refuse_unused_currency(write.currency).await?,
            }
            self.load(write).await?
        };
        let mut seen = self.see_surely(id).await.map_err(Error::after_first_step)?;
        // Two steps at most follow; a module that intercepts one would repeat it for ever.
        for _ in 0..3 {
            match self.next_step(&mut seen, write).await.map_err(Error::after_first_step)? {
                None => return Ok(seen.payment),
                Some(Step::Post) => self.post(id).await?,
                Some(Step::Match { item, invoice }) => {
                    let arguments = json!({"line_id": item});
                    let ids = [invoice.id];
                    let matched = self.rpc.attempt("account.move", "js_assign_outstanding_line", Some(&ids), arguments);
                    if let Err(error) = matched.await.map_err(Error::from) {
                        let Error::Rejected(_) = error else { return Err(error.after_first_step()) };
                        seen = self.see_surely(id).await.map_err(Error::after_first_step)?;
                        seen.payment.concern = Some(format!("Odoo did not match it with the invoice: {error}"));
                        return Ok(seen.payment);
                    }
                }
            }
            seen = self.see_surely(id).await.map_err(Error::after_first_step)?;
        }
        Err(Error::Protocol(format!("payment {id} stays as it is: Odoo takes its steps and does not obey")))
    }

    /// The payment that has the external id of a key.
    async fn look_up(&self, key: &str) -> Result<Option<i64>, Error> {
        // Odoo 19 lets accountants read no external ids; this method they may call, in every version.
        let arguments = json!({"module": MODULE, "xml_id": key});
        match self.rpc.attempt("ir.model.data", "check_object_reference", None, arguments).await {
            Ok(reply) => match reply.parse::<(String, Maybe<i64>)>()? {
                (model, Maybe(Some(id))) if model == PAYMENT => Ok(Some(id)),
                // Odoo's cache of external ids may be ahead of the snapshot that this call reads.
                (model, _) => {
                    Err(Error::Conflict(format!("our key names a record of {model} that cannot be read yet")))
                }
            },
            Err(Failure::Refused(refusal)) if refusal.is_unknown_external_id() => Ok(None),
            Err(failure) => Err(failure.into()),
        }
    }

    /// Odoo takes more than is to be paid, and leaves the rest on account: nobody asked for that.
    async fn refuse_overpayment(&self, paid: &PaidInvoice, write: &Write) -> Result<(), Error> {
        let fault = |code, detail: String| Err(Error::Rejected(vec![Fault::new(&*paid.pointer, code, detail)]));
        let invoice = self.invoice(paid.id).await?;
        let Some(invoice) = invoice.filter(|invoice| invoice.state == "posted") else {
            return fault("not_payable", "the invoice is not posted in Odoo".to_owned());
        };
        let residual = invoice.amount_residual.minor_units(write.digits);
        let amount = decimal::minor_units(&write.amount, write.digits);
        match (residual, amount) {
            (Some(residual), Some(amount)) if amount.get() <= residual.get() => Ok(()),
            (residual, _) => {
                let left = residual.map_or_else(String::new, |residual| decimal::text(residual, write.digits));
                fault("overpayment", format!("{} is more than the {left} that are still to be paid", write.amount))
            }
        }
    }

    /// Odoo takes a currency that is switched off too, at a rate of one where it has none.
    async fn refuse_unused_currency(&self, currency: Currency) -> Result<(), Error> {
        let in_use = json!([["name", "=", currency.code()], ["active", "=", true]]);
        if self.search::<IgnoredAny>("res.currency", in_use, &["name"]).await?.is_empty() {
            let detail = format!("{} is not active in Odoo", currency.code());
            return Err(Error::Rejected(vec![Fault::new("/currency", "unsupported", detail)]));
        }
        Ok(())
    }

    async fn invoice(&self, id: i64) -> Result<Option<Invoice>, Error> {
        let found = self.search("account.move", json!([["id", "=", id]]), &["state", "amount_residual"]).await?;
        Ok(found.into_iter().next().map(|(_, invoice)| invoice))
    }

    /// Creates the draft, or finds it.
    async fn load(&self, write: &Write) -> Result<i64, Error> {
        #[derive(Deserialize)]
        struct Loaded {
            ids: Maybe<Vec<i64>>,
            #[serde(default)]
            messages: Vec<LoadMessage>,
        }
        let (fields, row) = self.row(write).await?;
        // An earlier `load` of ours may still run and be first. In this mode Odoo then answers its payment; else it would
        // write ours over it, and Odoo 19 would post that without a journal entry.
        // With the accountant's module Odoo 19 makes a journal entry only when forced; Odoo 14 does not know the word.
        let context = json!({"mode": "update", "noupdate": true, "force_payment_move": true});
        let arguments = json!({"fields": fields, "data": [row], "context": context});
        let loaded: Loaded = self.rpc.call(PAYMENT, "load", None, arguments).await?;
        if let Some([id]) = loaded.ids.0.as_deref() {
            return Ok(*id);
        }
        match of_load(&loaded.messages) {
            // Another sender may have been first, in words that `of_load` does not know.
            Error::Rejected(_) if self.look_up(&write.key).await.map_err(Error::after_first_step)?.is_some() => {
                Err(Error::Conflict("another sender has written the payment".to_owned()))
            }
            error => Err(error),
        }
    }

    /// The columns and the cells of the draft. A cell that is left out gets Odoo's default; an empty one would not.
    async fn row(&self, write: &Write) -> Result<(Vec<String>, Vec<String>), Error> {
        let (payment_type, partner_type) = match write.direction {
            Direction::FromCustomer => ("inbound", "customer"),
            Direction::ToSupplier => ("outbound", "supplier"),
        };
        let memo = self.rpc.session().await?.fields.memo;
        let mut cells = vec![
            ("id", format!("{MODULE}.{}", write.key)),
            ("payment_type", payment_type.to_owned()),
            ("partner_type", partner_type.to_owned()),
            ("partner_id/.id", write.partner.to_string()),
            ("amount", write.amount.clone()),
            ("currency_id", write.currency.code().to_owned()),
            ("date", write.date.to_string()),
            ("journal_id/.id", write.journal.to_string()),
            (memo, write.memo.clone()),
        ];
        if let Some(invoice) = &write.invoice {
            cells.push(("destination_account_id/.id", invoice.account.to_string()));
        }
        Ok(cells.into_iter().map(|(field, cell)| (field.to_owned(), cell)).unzip())
    }

    /// Posts the draft. Where Odoo refuses that for good, the draft is removed: nothing of the payment is left.
    async fn post(&self, id: i64) -> Result<(), Error> {
        let posted = self.rpc.attempt(PAYMENT, "action_post", Some(&[id]), json!({})).await;
        let Err(failure) = posted else { return Ok(()) };
        let error = Error::from(failure);
        let is_refused = matches!(error, Error::Rejected(_));
        if is_refused && self.see_surely(id).await.map_err(Error::after_first_step)?.is_draft {
            let removed: Result<IgnoredAny, _> = self.rpc.call(PAYMENT, "unlink", Some(&[id]), json!({})).await;
            removed.map_err(Error::after_first_step)?;
            return Err(error);
        }
        Err(error.after_first_step())
    }

    /// What is to be done next; `None` when nothing is, or nothing can be. What a person should know is noted.
    async fn next_step<'a>(&self, seen: &mut Seen, write: &'a Write) -> Result<Option<Step<'a>>, Error> {
        let payment = &mut seen.payment;
        let amount = decimal::minor_units(&write.amount, write.digits);
        let is_ours =
            Some(payment.amount) == amount && payment.currency == write.currency && payment.date == write.date;
        if payment.is_voided || !is_ours {
            return Ok(None);
        }
        if seen.is_draft {
            return Ok(Some(Step::Post));
        }
        let Some(invoice) = &write.invoice else { return Ok(None) };
        let rest = seen.open.as_ref().and_then(|item| item.amount_residual_currency.minor_units(seen.digits));
        let rest = rest.and_then(|rest| MinorUnits::try_from(rest.get().abs()).ok());
        if payment.invoices().any(|paid| *paid == RemoteId::from(invoice.id)) {
            if let Some(rest) = rest.filter(|rest| rest.get() > 0) {
                let rest = decimal::text(rest, seen.digits);
                payment.concern = Some(format!("{rest} of it stay on account: less was to be paid than before"));
            }
            return Ok(None);
        }
        let is_open = |found: Invoice| {
            let residual = found.amount_residual.minor_units(write.digits);
            found.state == "posted" && residual.is_some_and(|residual| residual.get() > 0)
        };
        match &seen.open {
            Some(item) if self.invoice(invoice.id).await?.is_some_and(is_open) => {
                Ok(Some(Step::Match { item: item.id, invoice }))
            }
            _ => {
                let detail = "it is not matched with the invoice: that was paid by something else, or cancelled";
                payment.concern = Some(detail.to_owned());
                Ok(None)
            }
        }
    }

    async fn see_surely(&self, id: i64) -> Result<Seen, Error> {
        let seen = self.see(id).await?;
        seen.ok_or_else(|| Error::Protocol(format!("payment {id} has our key and cannot be read")))
    }
}
