//! The address of a database, as `DATABASE_URL` gives it.
//!
//! sqlx ignores unknown parameters and logs them with their values. Here a parameter that cannot be honoured is refused
//! by name. Its value is never repeated: it may be a secret.

use std::borrow::Cow;
use std::env;
use std::str::FromStr;

use anyhow::{Context, bail, ensure};
use sqlx::postgres::{PgConnectOptions, PgSslMode};

/// The parameters that sqlx honours.
const HONOURED: &[&str] = &[
    "sslmode",
    "ssl-mode",
    "sslrootcert",
    "ssl-root-cert",
    "ssl-ca",
    "sslcert",
    "ssl-cert",
    "sslkey",
    "ssl-key",
    "statement-cache-capacity",
    "host",
    "hostaddr",
    "port",
    "dbname",
    "user",
    "password",
    "application_name",
    "options",
];
/// Parameters that change neither the server that is reached nor how safely: we have our own settings for them.
const WITHOUT_EFFECT: &[&str] = &[
    "connect_timeout",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_count",
    "tcp_user_timeout",
    "fallback_application_name",
];
/// Parameters of libpq, their environment variables, and the values with which they demand nothing.
const DEMANDS: &[(&str, &str, &[&str])] = &[
    ("channel_binding", "PGCHANNELBINDING", &["disable", "prefer"]),
    ("gssencmode", "PGGSSENCMODE", &["disable", "prefer"]),
    ("require_auth", "PGREQUIREAUTH", &[]),
    ("requirepeer", "PGREQUIREPEER", &[]),
    ("sslcrl", "PGSSLCRL", &[]),
    ("sslcrldir", "PGSSLCRLDIR", &[]),
    ("sslcertmode", "PGSSLCERTMODE", &["allow"]),
    ("sslnegotiation", "PGSSLNEGOTIATION", &["postgres"]),
    ("ssl_min_protocol_version", "PGSSLMINPROTOCOLVERSION", &["TLSv1", "TLSv1.1", "TLSv1.2"]),
    ("ssl_max_protocol_version", "PGSSLMAXPROTOCOLVERSION", &[]),
    ("target_session_attrs", "PGTARGETSESSIONATTRS", &["any", "read-write", "primary"]),
];

/// Parses an address.
///
/// # Errors
/// When it is not an address, or demands what cannot be honoured. The message never holds the address or a value of it.
pub fn parse_url(url: &str) -> anyhow::Result<PgConnectOptions> {
    if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
        bail!("DATABASE_URL is not a Postgres address; write postgres://user:password@host:port/database");
    }
    for (name, variable, harmless) in DEMANDS {
        let value = env::var(variable).unwrap_or_default();
        let is_met = value.is_empty() || harmless.contains(&value.as_str());
        ensure!(is_met, "{variable} demands what this server cannot do ({name}); take it out");
    }
    // The error of sqlx names a part of the address, never the password.
    let options = PgConnectOptions::from_str(&honoured(url)?)
        .context("DATABASE_URL cannot be read (special characters in user and password are percent-encoded)")?;
    // As libpq does. Otherwise the authority would be named but not checked.
    let names_authority = parameters(url).any(|(name, _)| matches!(&*name, "sslrootcert" | "ssl-root-cert" | "ssl-ca"));
    Ok(match options.get_ssl_mode() {
        PgSslMode::Require if names_authority => options.ssl_mode(PgSslMode::VerifyCa),
        _ => options,
    })
}

fn parameters(url: &str) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
    let query = url.split_once('?').map_or("", |(_, rest)| rest.split('#').next().unwrap_or_default());
    form_urlencoded::parse(query.as_bytes())
}

/// The address with only the parameters that sqlx honours.
fn honoured(url: &str) -> anyhow::Result<String> {
    let mut kept = form_urlencoded::Serializer::new(String::new());
    for (name, value) in parameters(url) {
        let demand = DEMANDS.iter().find(|(known, ..)| *known == name);
        if HONOURED.contains(&&*name) || name.starts_with("options[") && name.ends_with(']') {
            kept.append_pair(&name, &value);
        } else if WITHOUT_EFFECT.contains(&&*name) {
            tracing::warn!(parameter = &*name, "a parameter of DATABASE_URL has no effect");
        } else if !demand.is_some_and(|(.., harmless)| harmless.contains(&&*value)) {
            refuse(url, &name)?;
        }
    }
    let kept = kept.finish();
    let base = url.split(['?', '#']).next().unwrap_or_default();
    Ok(if kept.is_empty() { base.to_owned() } else { format!("{base}?{kept}") })
}

/// Refuses a parameter by name, unless the name could be the rest of a password with a bare `?` in it.
fn refuse(url: &str, name: &str) -> anyhow::Result<()> {
    let is_plain = name.len() <= 40 && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_' || b == b'-');
    let is_password = url.split_once('?').is_some_and(|(_, query)| query.contains('@'));
    ensure!(
        is_plain && !is_password,
        "DATABASE_URL has a parameter that is not known (special characters in user and password are percent-encoded)"
    );
    bail!("the parameter {name} of DATABASE_URL is not supported here, and what it demands would not hold; take it out")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refused_parameter_is_named_without_its_value() {
        for (query, name) in [
            ("sslpassword=hunter2", "sslpassword"),
            ("channel_binding=require", "channel_binding"),
            ("gssencmode=require", "gssencmode"),
            ("require_auth=scram-sha-256", "require_auth"),
            ("sslcrl=/hunter2", "sslcrl"),
            ("sslnegotiation=direct", "sslnegotiation"),
            ("target_session_attrs=standby", "target_session_attrs"),
            ("ssl_min_protocol_version=TLSv1.3", "ssl_min_protocol_version"),
            ("sslmod=verify-full", "sslmod"),
            ("sslmode=require&passfile=/hunter2", "passfile"),
        ] {
            let error = parse_url(&format!("postgres://me@localhost/books?{query}")).expect_err(query);
            let (_, value) = query.rsplit_once('=').expect("a value");
            let line = format!("{error:#}");
            assert!(line.contains(&format!("parameter {name} ")) && !line.contains(value), "{line}");
        }
        let error = parse_url("postgres://me:12?hunter2@localhost/books").expect_err("a bare question mark");
        assert!(!format!("{error:#}").contains("hunter2"), "{error:#}");
    }

    #[test]
    fn parameters_that_demand_nothing_are_accepted() {
        let query = "channel_binding=prefer&connect_timeout=10&target_session_attrs=read-write&dbname=other";
        let options = parse_url(&format!("postgres://me@localhost/books?{query}")).expect("taken");
        assert_eq!(options.get_database(), Some("other"));
    }

    #[test]
    fn named_authority_is_checked() {
        let mode = |query| parse_url(&format!("postgres://me@localhost/books?{query}")).expect(query).get_ssl_mode();
        assert!(matches!(mode("sslmode=require&sslrootcert=/ca.crt"), PgSslMode::VerifyCa));
        assert!(matches!(mode("sslmode=require"), PgSslMode::Require));
    }
}
