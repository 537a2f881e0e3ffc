//! The bounds of times as Postgres compares them, and the range of an index between them.

use chrono::{DateTime, Days, NaiveDate, NaiveTime, TimeDelta, Utc};
use uuid::Uuid;

use super::filter::Filter;
use crate::domain::page::{Between, Cursor, Sort, SortKey};
use crate::domain::{DateOrMoment, PaymentId};

/// The smallest unit of a stored time.
const MICROSECOND: TimeDelta = TimeDelta::microseconds(1);

/// The moments from `from` on and before `until`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Moments {
    pub from: Option<DateTime<Utc>>,
    pub until: Option<DateTime<Utc>>,
}

/// The calendar dates from `first` to `last`, both included.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Dates {
    pub first: Option<NaiveDate>,
    pub last: Option<NaiveDate>,
}

impl Moments {
    fn new([after, from]: [Option<DateTime<Utc>>; 2], [before, to]: [Option<DateTime<Utc>>; 2]) -> Self {
        Self {
            from: after.map(|after| after + MICROSECOND).max(from),
            until: least(before, to.map(|to| to + MICROSECOND)),
        }
    }
}

/// The lesser of those that are given.
fn least<T: Ord>(one: Option<T>, other: Option<T>) -> Option<T> {
    one.into_iter().chain(other).min()
}

fn moment(bound: Option<DateOrMoment>) -> Option<DateTime<Utc>> {
    bound.and_then(|bound| if let DateOrMoment::Moment(moment) = bound { Some(moment) } else { None })
}

fn date(bound: Option<DateOrMoment>) -> Option<NaiveDate> {
    bound.and_then(|bound| if let DateOrMoment::Date(date) = bound { Some(date) } else { None })
}

impl Filter {
    /// The moments that `created_…` selects.
    pub(super) fn created(&self) -> Moments {
        Moments::new([self.created_after, self.created_from], [self.created_before, self.created_to])
    }

    /// The moments that `modified_…` selects.
    pub(super) fn modified(&self) -> Moments {
        Moments::new([self.modified_after, self.modified_from], [self.modified_before, self.modified_to])
    }

    /// The moments that the date-times of `transaction_date_…` select.
    pub(super) fn transaction_moments(&self) -> Moments {
        let lower = [self.transaction_date_after, self.transaction_date_from].map(moment);
        Moments::new(lower, [self.transaction_date_before, self.transaction_date_to].map(moment))
    }

    /// The dates that the plain dates of `transaction_date_…` select.
    pub(super) fn transaction_dates(&self) -> Dates {
        let after = date(self.transaction_date_after).and_then(|date| date.succ_opt());
        let before = date(self.transaction_date_before).and_then(|date| date.pred_opt());
        Dates {
            first: after.max(date(self.transaction_date_from)),
            last: least(before, date(self.transaction_date_to)),
        }
    }

    /// The range of the list's index that can hold matches, from the cursor on.
    pub(super) fn range(&self, cursor: Option<Cursor>) -> Range {
        match self.sort() {
            Sort::Id => Range::Ids(self.id_bounds().starting_at(cursor, |_| ())),
            Sort::AccountingDate => {
                Range::AccountingDates(self.accounting_date_bounds().starting_at(cursor, |key| match key {
                    SortKey::AccountingDate(date) => date,
                    SortKey::CreatedAt(time) | SortKey::ModifiedAt(time) => time.date_naive(),
                }))
            }
            Sort::ModifiedAt => Range::ModifiedAt(self.modified_bounds().starting_at(cursor, |key| match key {
                SortKey::ModifiedAt(time) | SortKey::CreatedAt(time) => time,
                SortKey::AccountingDate(date) => date.and_time(NaiveTime::MIN).and_utc(),
            })),
        }
    }

    /// The range of ids that `created_…` selects.
    fn id_bounds(&self) -> Between<()> {
        let Moments { from, until } = self.created();
        Between {
            after: ((), from.map_or(Uuid::nil(), PaymentId::first_id_at)),
            before: ((), until.map_or(Uuid::max(), PaymentId::first_id_after)),
        }
    }

    /// The range of dates that `transaction_date_…` selects. The calendar date of a moment is at most a day from that of
    /// UTC, because offsets are shorter than a day.
    fn accounting_date_bounds(&self) -> Between<NaiveDate> {
        let (dates, moments) = (self.transaction_dates(), self.transaction_moments());
        let first = dates.first.max(moments.from.and_then(|from| from.date_naive().checked_sub_days(Days::new(1))));
        let last = least(dates.last, moments.until.and_then(|until| until.date_naive().checked_add_days(Days::new(1))));
        let (earliest, latest) = (DateTime::UNIX_EPOCH.date_naive(), NaiveDate::MAX);
        Between {
            after: (first.unwrap_or(NaiveDate::from_ymd_opt(1, 1, 1).unwrap_or(earliest)), Uuid::nil()),
            before: (last.unwrap_or(NaiveDate::from_ymd_opt(9999, 12, 31).unwrap_or(latest)), Uuid::max()),
        }
    }

    /// The range of times that `modified_…` selects.
    fn modified_bounds(&self) -> Between<DateTime<Utc>> {
        let Moments { from, until } = self.modified();
        let year = |year| NaiveDate::from_ymd_opt(year, 1, 1).unwrap_or_default().and_time(NaiveTime::MIN).and_utc();
        Between {
            after: (from.unwrap_or_else(|| year(1)), Uuid::nil()),
            before: (until.unwrap_or_else(|| year(10_000)), Uuid::nil()),
        }
    }
}

/// A range of an index in the list's order.
#[derive(Debug, Clone, Copy)]
pub enum Range {
    /// Of an index that ends with the id.
    Ids(Between<()>),
    /// Of the index on accounting dates.
    AccountingDates(Between<NaiveDate>),
    /// Of the index on `modified_at`.
    ModifiedAt(Between<DateTime<Utc>>),
}
