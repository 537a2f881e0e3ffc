//! The amounts and rates of the two sides of a Payment Entry.
//!
//! One side is the party's account (receivable or payable), the other the bank's, each in its currency. What is
//! allocated is in the currency of the party's account, and so is what the client calls the amount.

use rust_decimal::Decimal;

use crate::connectors::{Fault, PaymentOrder};
use crate::domain::{Currency, ExchangeRate};

/// The most places of a rate that ERPNext stores.
const RATE_PLACES: u32 = 9;
/// The most digits of a rate that survive the binary float that ERPNext reads it into.
const RATE_DIGITS: usize = 15;
/// Amounts from here on have no place in ERPNext's columns: a million millions.
pub const TOO_LARGE: i64 = 1_000_000_000_000;

/// The amount of the bank's side, and the rates of both. Without a rate, ERPNext takes that of its own table.
pub struct Amounts {
    /// What the bank's account moves by, in its currency.
    pub bank: Decimal,
    /// Units of the base currency for one unit of the party's account.
    pub party_rate: Option<Decimal>,
    /// The same for the bank's account.
    pub bank_rate: Option<Decimal>,
}

/// The two sides, in the currencies of their accounts. ERPNext's rates have the direction of ours: units of the base
/// currency for one unit.
pub fn of(
    order: &PaymentOrder,
    amount: Decimal,
    party: Option<Currency>,
    account: Option<Currency>,
) -> Result<Amounts, Fault> {
    let (Some(party), Some(account), Some(base)) = (party, account, order.base_currency) else {
        let detail = "the currencies of the company and the accounts were not read from ERPNext yet";
        return Err(Fault::new("/currency", "unknown_reference", detail));
    };
    if order.currency != party {
        let detail = format!("the account of the party is in {}, so the payment must be, too", party.code());
        return Err(Fault::new("/currency", "currency_mismatch", detail));
    }
    let rate = order.exchange_rate.as_ref().map(rate).transpose()?;
    if party == base && rate.is_some_and(|rate| rate != Decimal::ONE) {
        let detail = format!("{} is the base currency, so its rate is 1", base.code());
        return Err(Fault::new("/exchange_rate", "out_of_range", detail));
    }
    if party == base && account == base {
        return Ok(Amounts { bank: amount, party_rate: Some(Decimal::ONE), bank_rate: Some(Decimal::ONE) });
    }
    if party == account {
        return Ok(Amounts { bank: amount, party_rate: rate, bank_rate: rate });
    }
    if account != base {
        let detail = format!("the account is in {}; name one in {} or {}", account.code(), party.code(), base.code());
        return Err(Fault::new(&order.account.pointer, "currency_mismatch", detail));
    }
    let Some(rate) = rate else {
        let detail = format!("the payment is in {} and the account in {}", party.code(), base.code());
        return Err(Fault::new("/exchange_rate", "required", detail));
    };
    let bank = amount.checked_mul(rate).map(|amount| amount.round_dp(base.minor_units().unwrap_or(2).into()));
    match bank {
        Some(bank) if bank > Decimal::ZERO && bank < TOO_LARGE.into() => {
            Ok(Amounts { bank, party_rate: Some(rate), bank_rate: Some(Decimal::ONE) })
        }
        _ => {
            Err(Fault::new("/exchange_rate", "out_of_range", "the amount in the base currency has no place in ERPNext"))
        }
    }
}

/// A rate that ERPNext keeps digit for digit.
fn rate(rate: &ExchangeRate) -> Result<Decimal, Fault> {
    let decimal = Decimal::from_str_exact(rate.as_str()).map(|decimal| decimal.normalize()).ok();
    let fits = |decimal: &Decimal| {
        let digits = decimal.mantissa().to_string().len();
        decimal.scale() <= RATE_PLACES && digits <= RATE_DIGITS && *decimal < TOO_LARGE.into()
    };
    decimal.filter(fits).ok_or_else(|| {
        let detail = format!("ERPNext keeps {RATE_PLACES} decimal places and {RATE_DIGITS} digits of a rate");
        Fault::new("/exchange_rate", "too_many_digits", detail)
    })
}
