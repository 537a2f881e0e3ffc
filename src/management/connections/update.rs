//! Changes a connection: its label, and the way to its accounting software. The books stay the same.

use chrono::{DateTime, Utc};
use secrecy::SecretString;

use super::{Access, Connection, NoAccess, SoftwareDetails, SoftwareError, access, check, store};
use crate::auth::Operator;
use crate::connectors::{self, SoftwareInfo, Target};
use crate::domain::DisplayName;

/// What is to be changed; the rest stays.
#[derive(Debug, Default)]
pub struct Changes {
    /// What people call the connection.
    pub label: Option<DisplayName>,
    /// The address of the software.
    pub url: Option<String>,
    /// The user to sign in as.
    pub login: Option<String>,
    /// The password or API key.
    pub secret: Option<SecretString>,
}

impl Changes {
    /// Whether nothing is to be changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.label.is_none() && !self.are_of_software()
    }

    fn are_of_software(&self) -> bool {
        self.url.is_some() || self.login.is_some() || self.secret.is_some()
    }
}

/// Changes a connection. The software is asked first whether it accepts the new way in, unless `checks` is false. Only
/// such a check ends `needs_reauth`.
///
/// # Errors
/// When the software refuses or cannot be asked, or when the books there are others. Then nothing is changed.
pub async fn update(
    operator: &Operator,
    access: &Access,
    connection: &Connection,
    changes: Changes,
    checks: bool,
    now: DateTime<Utc>,
) -> Result<Option<SoftwareInfo>, SoftwareError> {
    let way_in = if changes.are_of_software() {
        let software = check::of(operator, connection).await?;
        let target = Target {
            connection_id: connection.id,
            url: changes.url.unwrap_or_else(|| software.url.clone()),
            database: software.database.clone(),
            company: software.company.clone(),
            login: changes.login.or_else(|| software.login.clone()),
            // The old secret is not opened when there is a new one: its key may be lost.
            secret: changes.secret.map_or_else(|| access.secret(connection.id, &software), Ok)?,
        };
        let found = if checks {
            let checked = access.provider(&software)?.connect(target.clone(), access.client.clone()).check().await;
            Some(match &connection.software {
                Some(before) => same_books(before, &target, checked)?,
                None => checked?,
            })
        } else {
            None
        };
        Some((target, found))
    } else {
        None
    };
    let mut transaction = operator.transaction().await?;
    if let Some(label) = &changes.label {
        store::rename(&mut transaction, connection.id, label).await?;
    }
    if let Some((target, _)) = &way_in {
        let keys = access.keys.as_ref().ok_or(NoAccess::NoKeys)?;
        let sealed = access::seal(keys, connection.id, &target.secret);
        store::change_sign_in(&mut transaction, target, &sealed, now).await?;
    }
    let found = way_in.and_then(|(_, found)| found);
    if let Some(found) = &found {
        store::record_check(&mut transaction, connection.id, found, now).await?;
    }
    transaction.commit().await?;
    Ok(found)
}

/// What a check has found, when these are the books that the connection had: payments and references of two books must
/// never mix.
fn same_books(
    before: &SoftwareDetails,
    target: &Target,
    checked: Result<SoftwareInfo, connectors::Error>,
) -> Result<SoftwareInfo, SoftwareError> {
    // Before the first check, the company may have been named in another way than by its id.
    let (Some(company), Some(name), Some(currency), Some(_)) =
        (&before.company, &before.company_name, before.base_currency, before.checked_at)
    else {
        return Ok(checked?);
    };
    let others = |there: &str| {
        let before = format!("{name} ({company}, {})", currency.code());
        SoftwareError::OtherBooks(format!("the books there are those of {there}, not those of {before}"))
    };
    let found = match checked {
        Err(connectors::Error::Choose { names, .. }) => return Err(others(&names.join(", "))),
        checked => checked?,
    };
    let is_same = found.company.remote_id == *company
        && found.company.currency == currency
        // Another database may have a company of the same id. A company that was renamed has not moved as well.
        && (before.url == target.url || found.company.name == *name);
    if is_same {
        return Ok(found);
    }
    let connectors::Company { name, remote_id, currency } = &found.company;
    Err(others(&format!("{name} ({remote_id}, {})", currency.code())))
}
