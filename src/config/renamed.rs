//! Settings that had another name in an earlier version.

/// The old name of an environment variable, and the new one.
const RENAMED: [(&str, &str); 2] = [
    ("UNIBOOKS_DATABASE_CONNECTIONS", "UNIBOOKS_DATABASE_POOL_SIZE"),
    ("UNIBOOKS_MAX_CONNECTIONS", "UNIBOOKS_MAX_CLIENT_CONNECTIONS"),
];

/// Refuses a variable of the environment that had another name: ignored, it would change the server's limits unseen.
///
/// # Errors
/// The old names that are set, each with the new one.
pub fn check_renamed(is_set: impl Fn(&str) -> bool) -> anyhow::Result<()> {
    let renamed: Vec<_> = RENAMED.iter().filter(|(old, _)| is_set(old)).collect();
    let lines: Vec<_> = renamed.iter().map(|(old, new)| format!("{old} is now {new}")).collect();
    anyhow::ensure!(lines.is_empty(), "{}; rename it", lines.join(", "));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_name_of_a_setting_is_refused_with_the_new_one() {
        let error = check_renamed(|name| name == "UNIBOOKS_MAX_CONNECTIONS").expect_err("an old name");
        assert_eq!(error.to_string(), "UNIBOOKS_MAX_CONNECTIONS is now UNIBOOKS_MAX_CLIENT_CONNECTIONS; rename it");
        assert!(check_renamed(|name| name.starts_with("UNIBOOKS_MAX_CLIENT")).is_ok());
    }
}
