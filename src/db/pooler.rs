//! Explains the errors of a pooler that is in front of Postgres without a setting that says so.
//!
//! A pooler in transaction mode gives each transaction another session, which has other parameters and other prepared
//! statements. So statements fail, or run without their timeout.

/// What to do about a pooler in transaction mode.
pub(super) const REMEDY: &str = "a pooler gives each transaction another session: set \
                                 UNIBOOKS_DATABASE_POOLING=transaction (docs/scaling.md)";

/// The error, or, when a pooler is its cause, one that says what to change. [`super::is_unavailable`] is false for it.
pub(super) fn explain(error: sqlx::Error) -> sqlx::Error {
    let Some(remedy) = error.as_database_error().and_then(|error| remedy(error.code().as_deref(), error.message()))
    else {
        return error;
    };
    sqlx::Error::Configuration(format!("{remedy}; it said: {error}").into())
}

/// What to change, by SQLSTATE and message.
fn remedy(code: Option<&str>, message: &str) -> Option<&'static str> {
    match code? {
        // duplicate_prepared_statement, invalid_sql_statement_name: another client prepared it in this session, or we
        // did in another session.
        "42P05" | "26000" => Some(REMEDY),
        "08P01" if message.contains("startup parameter") && message.contains("extra_float_digits") => Some(
            "a pooler refuses a startup parameter: set `ignore_startup_parameters = extra_float_digits` in PgBouncer \
             (docs/scaling.md)",
        ),
        "08P01" if message.contains("startup parameter") => Some(
            "a pooler refuses the settings of a session: set UNIBOOKS_DATABASE_POOLING=transaction for a pooler in \
             transaction mode, or give them to the role for one in session mode (docs/scaling.md)",
        ),
        "08P01" if message.contains("statement pooling") => {
            Some("a pooler in statement mode cannot be used: set `pool_mode = transaction` in it (docs/scaling.md)")
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_of_poolers_name_what_to_change() {
        // Messages of PgBouncer 1.18 and 1.20, and of Postgres behind them.
        for (code, message, expected) in [
            ("08P01", "unsupported startup parameter: options", "UNIBOOKS_DATABASE_POOLING=transaction"),
            ("08P01", "unsupported startup parameter in options: enable_sort", "UNIBOOKS_DATABASE_POOLING=transaction"),
            ("08P01", "unsupported startup parameter: extra_float_digits", "ignore_startup_parameters"),
            ("08P01", "transaction blocks not allowed in statement pooling mode", "pool_mode = transaction"),
            ("42P05", "prepared statement \"sqlx_s_1\" already exists", "UNIBOOKS_DATABASE_POOLING=transaction"),
            ("26000", "prepared statement \"sqlx_s_1\" does not exist", "UNIBOOKS_DATABASE_POOLING=transaction"),
        ] {
            assert!(remedy(Some(code), message).is_some_and(|remedy| remedy.contains(expected)), "{message}");
        }
        assert_eq!(remedy(Some("08P01"), "server conn crashed?"), None);
        assert_eq!(remedy(Some("57P01"), "terminating connection"), None);
    }
}
