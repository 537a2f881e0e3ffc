//! Which events a reader of the feed wants.

use std::str::FromStr;

use chrono::{DateTime, Utc};
use utoipa::IntoParams;

use super::cursor::FeedCursor;
use crate::auth::Scope;
use crate::domain::page::Limit;
use crate::domain::{DateOrMoment, EventPattern, ParseError};
use crate::events::Filter;
use crate::http::request::query::{FromQuery, Parameters};

/// Names of events, separated by commas.
#[derive(Debug, Clone)]
pub struct EventPatterns(pub Vec<EventPattern>);

impl FromStr for EventPatterns {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        text.split(',').map(str::parse).collect::<Result<_, _>>().map(Self)
    }
}

/// The query of the feed.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct FeedQuery {
    /// How many events a page has, from 1 to 200; 50 when absent.
    #[param(value_type = Option<u8>, minimum = 1, maximum = 200, example = 50)]
    pub limit: Limit,
    /// `next_cursor` of another page of the feed, or the id of an event: the page begins after it.
    #[param(value_type = Option<uuid::Uuid>)]
    pub cursor: Option<FeedCursor>,
    /// Names of events, or beginnings of names that end in `*`, separated by commas.
    #[param(value_type = Option<String>, example = "accounting.payment.*,connection.created")]
    r#type: Option<EventPatterns>,
    /// Written after this moment; a plain date is midnight UTC.
    created_after: Option<DateTime<Utc>>,
}

impl FromQuery for FeedQuery {
    fn read(parameters: &mut Parameters) -> Self {
        Self {
            limit: parameters.take("limit").unwrap_or_default(),
            cursor: parameters.take("cursor"),
            r#type: parameters.take("type"),
            created_after: parameters.date_or_moment("created_after").map(DateOrMoment::first_moment),
        }
    }
}

impl FeedQuery {
    /// The events that are wanted: those of one connection where the caller sent its token.
    #[must_use]
    pub fn filter(&self, connection: Option<&Scope>) -> Filter {
        Filter {
            connection_id: connection.map(Scope::connection_id),
            patterns: self.r#type.as_ref().map(|patterns| patterns.0.clone()).unwrap_or_default(),
            created_after: self.created_after,
        }
    }
}
