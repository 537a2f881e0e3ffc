//! What a connection is.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::SoftwareStatus;
use crate::connectors::{SoftwareInfo, Target};
use crate::domain::{ConnectionId, Currency, DisplayName, ProjectId, RemoteId};
use crate::management::Credential;

/// A connection without its token, which is shown once, when the connection is created.
#[derive(Debug, Clone, Serialize)]
pub struct Connection {
    /// Assigned by the server.
    pub id: ConnectionId,
    /// The project that it belongs to.
    pub project_id: ProjectId,
    /// What people call it.
    pub label: DisplayName,
    /// The name of the accounting software behind it; `none` when this server is the book of record.
    pub provider: String,
    /// The accounting software behind it.
    pub software: Option<SoftwareDetails>,
    /// Its token, without the token itself.
    #[serde(flatten)]
    pub credential: Credential,
}

/// The accounting software behind a connection, as the lists show it: without the secret.
#[derive(Debug, Clone, Serialize)]
pub struct SoftwareDetails {
    /// Its address.
    pub url: String,
    /// Which of its databases; `None` where the address says it.
    pub database: Option<String>,
    /// Which of its companies.
    pub company: Option<RemoteId>,
    /// The name of the company there.
    pub company_name: Option<String>,
    /// The base currency of the company's books.
    pub base_currency: Option<Currency>,
    /// The user to sign in as; `None` where the secret says it.
    pub login: Option<String>,
    /// The version of the software.
    pub version: Option<String>,
    /// When company, currency and version were last read there.
    pub checked_at: Option<DateTime<Utc>>,
    /// Whether it may be called.
    pub status: SoftwareStatus,
    /// Why it may not be called: a code for programs.
    pub status_reason: Option<String>,
    /// Why it may not be called: a sentence for people.
    pub status_detail: Option<String>,
    /// Since when it has this status.
    pub status_since: DateTime<Utc>,
}

impl SoftwareDetails {
    /// Software that is connected `now`, and what a check has `found`.
    pub(super) fn new(target: &Target, found: Option<&SoftwareInfo>, now: DateTime<Utc>) -> Self {
        let company = found.map(|found| &found.company);
        Self {
            url: target.url.clone(),
            database: target.database.clone(),
            company: company.map(|company| company.remote_id.clone()).or_else(|| target.company.clone()),
            company_name: company.map(|company| company.name.clone()),
            base_currency: company.map(|company| company.currency),
            login: target.login.clone(),
            version: found.map(|found| found.version.clone()),
            checked_at: found.map(|_| now),
            status: SoftwareStatus::Valid,
            status_reason: None,
            status_detail: None,
            status_since: now,
        }
    }
}
