//! What the calls of one resource are made of.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::domain::references::Resource;
use crate::http::request::query::FromQuery;

/// The members of a resource that has a list.
pub trait Listed: Serialize + DeserializeOwned {
    /// The resource.
    const RESOURCE: Resource;

    /// Its own filters, beside those that all resources have. Serialized, it is what members must equal.
    type Filter: FromQuery + Serialize + Send;
}
