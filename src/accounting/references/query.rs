//! The query of the calls that answer one object.

use utoipa::IntoParams;

use crate::http::request::query::{FromQuery, Parameters};

/// The query of every call that answers one object.
#[derive(Debug, Clone, Copy, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct RemoteData {
    /// Set to true to include data from the original accounting software.
    #[param(value_type = Option<bool>)]
    pub remote_data: bool,
}

impl FromQuery for RemoteData {
    fn read(parameters: &mut Parameters) -> Self {
        Self { remote_data: parameters.boolean("remote_data") }
    }
}
