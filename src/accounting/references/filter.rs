//! Which objects a list is about.

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::IntoParams;

use crate::domain::{DateOrMoment, RemoteId};
use crate::http::request::query::{FromQuery, Parameters};

/// The filters that all resources have; all that are given must hold.
#[derive(Debug, Clone, Default, Serialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// Last changed here after this moment; a plain date is midnight UTC.
    pub modified_after: Option<DateTime<Utc>>,
    /// Last changed here before this moment; a plain date is midnight UTC.
    pub modified_before: Option<DateTime<Utc>>,
    /// Last changed in the software after this moment, as far as the software says; a plain date is midnight UTC.
    pub remote_updated_after: Option<DateTime<Utc>>,
    /// With this id in the connected accounting software.
    #[param(value_type = Option<String>)]
    pub remote_id: Option<RemoteId>,
}

impl FromQuery for Filter {
    fn read(parameters: &mut Parameters) -> Self {
        Self {
            modified_after: parameters.date_or_moment("modified_after").map(DateOrMoment::first_moment),
            modified_before: parameters.date_or_moment("modified_before").map(DateOrMoment::first_moment),
            remote_updated_after: parameters.date_or_moment("remote_updated_after").map(DateOrMoment::first_moment),
            remote_id: parameters.take_exact("remote_id"),
        }
    }
}

/// The filters of a resource that has none of its own.
#[derive(Debug, Serialize)]
pub struct NoFilter {}

impl FromQuery for NoFilter {
    fn read(_: &mut Parameters) -> Self {
        Self {}
    }
}
