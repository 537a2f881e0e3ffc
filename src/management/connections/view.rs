//! How the API answers a connection (resources contract, section 4.3).

use chrono::{DateTime, Utc};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Connection, SoftwareStatus, store};
use crate::auth::ProjectScope;
use crate::db;
use crate::domain::{ConnectionId, rfc3339};

/// 9999-12-31T23:59:59Z, the end of what never ends: client libraries need a time. In seconds since 1970.
const NEVER: i64 = 253_402_300_799;

/// A connection. No member is ever null, because client libraries refuse that, and none is a secret.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Connection)]
pub struct ConnectionView {
    /// The connection.
    id_connection: Uuid,
    /// The project that it belongs to.
    id_project: Uuid,
    /// Empty: connections belong to no linked user yet.
    id_linked_user: &'static str,
    /// `valid`, `needs_reauth` (the software refuses the credentials), `disabled` (paused) or `revoked`.
    #[schema(example = "valid")]
    status: &'static str,
    /// The accounting software; `none` where this server is the book of record.
    #[schema(example = "tryton")]
    provider_slug: String,
    /// Always `accounting`.
    #[schema(example = "accounting")]
    vertical: &'static str,
    /// The address of the software; empty without software.
    account_url: String,
    /// `basic` where a user signs in, else `apikey`.
    #[schema(example = "basic")]
    token_type: &'static str,
    /// Always empty.
    access_token: &'static str,
    /// Always empty.
    refresh_token: &'static str,
    /// When the connection's token expires; the end of the year 9999 when it never does.
    #[schema(example = "9999-12-31T23:59:59Z")]
    #[serde(serialize_with = "rfc3339::instant")]
    expiration_timestamp: DateTime<Utc>,
    /// When it was created.
    #[schema(example = "2026-11-26T08:00:00Z")]
    #[serde(serialize_with = "rfc3339::instant")]
    created_at: DateTime<Utc>,
    /// Always empty: only its hash is kept.
    connection_token: &'static str,
}

impl From<Connection> for ConnectionView {
    fn from(connection: Connection) -> Self {
        let Connection { id, project_id, provider, software, credential, label: _ } = connection;
        let status = match (credential.revoked_at, software.as_ref().map(|software| software.status)) {
            (Some(_), _) => "revoked",
            (None, Some(SoftwareStatus::NeedsReauth)) => "needs_reauth",
            (None, Some(SoftwareStatus::Paused)) => "disabled",
            (None, Some(SoftwareStatus::Valid) | None) => "valid",
        };
        let has_login = software.as_ref().is_some_and(|software| software.login.is_some());
        Self {
            id_connection: id.0,
            id_project: project_id.0,
            id_linked_user: "",
            status,
            provider_slug: provider,
            vertical: "accounting",
            account_url: software.map(|software| software.url).unwrap_or_default(),
            token_type: if has_login { "basic" } else { "apikey" },
            access_token: "",
            refresh_token: "",
            expiration_timestamp: credential.expires_at.or(DateTime::from_timestamp(NEVER, 0)).unwrap_or_default(),
            created_at: credential.created_at,
            connection_token: "",
        }
    }
}

/// A connection of a project, as the API answers it; `None` when the project has none with this id.
///
/// # Errors
/// When the database fails.
pub async fn view(project: &ProjectScope, id: ConnectionId) -> Result<Option<ConnectionView>, db::Error> {
    Ok(store::find_in(project, id).await?.map(ConnectionView::from))
}
