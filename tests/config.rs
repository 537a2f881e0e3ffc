//! The settings, the files that document them, and the files with which the server is shipped.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use unibooks::cli::{configuration_page, environment_variables};

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn settings() -> BTreeSet<String> {
    environment_variables().into_iter().collect()
}

/// The variables in an environment file, both set ones and those in comments (`# NAME=value`).
fn named(text: &str) -> Vec<String> {
    let is_name = |name: &&str| {
        name.starts_with(|c: char| c.is_ascii_uppercase()) && name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_')
    };
    let names = text.lines().filter_map(|line| line.trim_start_matches(['#', ' ']).split_once('='));
    names.map(|(name, _)| name).filter(is_name).map(str::to_owned).collect()
}

#[test]
fn example_environment_names_every_setting_once() {
    let mut named = named(&read(".env.example"));
    named.sort();
    assert_eq!(named, settings().into_iter().collect::<Vec<_>>(), "each once");
}

#[test]
fn example_environment_is_valid() {
    let text = read(".env.example");
    for line in text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let (name, value) = line.split_once('=').unwrap_or_else(|| panic!("no setting: {line}"));
        assert!(settings().contains(name), "{name}");
        assert!(!value.contains(" #"), "a comment after a value would be part of the value: {line}");
    }
}

#[test]
fn committed_configuration_page_is_what_the_flags_say() {
    let fresh = read("docs/configuration.md") == configuration_page();
    assert!(fresh, "docs/configuration.md is stale: run `make configuration` and commit it");
}

#[test]
fn configuration_page_has_every_setting_and_its_range() {
    let page = configuration_page();
    let missing: Vec<_> = settings().into_iter().filter(|name| !page.contains(&format!("`{name}`"))).collect();
    assert!(missing.is_empty(), "docs/configuration.md does not name {missing:?}");
    // Asked of the parsers: an entry whose parser does not answer would have a value without its range.
    for line in page.lines().filter(|line| ["seconds", "bytes", "a number"].iter().any(|unit| line.contains(unit))) {
        assert!(!line.starts_with("* Value: ") || line.contains(" to "), "{line}");
    }
    assert!(page.contains("* Value: seconds, 1 to 600\n* Default: `5`"), "{page}");
}

#[test]
fn every_setting_has_the_prefix_of_the_program() {
    let strange: Vec<_> =
        settings().into_iter().filter(|name| !name.starts_with("UNIBOOKS_") && name != "DATABASE_URL").collect();
    assert_eq!(strange, Vec::<String>::new());
}

/// The text of each service in the compose file, without comments.
fn services() -> Vec<String> {
    let text = read("docker-compose.yml");
    let lines = text.lines().filter(|line| !line.trim_start().starts_with('#'));
    let text = lines.collect::<Vec<_>>().join("\n");
    let (_, services) = text.split_once("\nservices:").expect("services");
    let (services, _) = services.split_once("\nvolumes:").expect("volumes");
    // The name of a service is indented by two blanks, its content by more.
    let text = services.replace("\n  ", "\n").replace("\n ", "\u{0} ");
    text.lines().filter(|line| !line.is_empty()).map(|line| line.replace('\u{0}', "\n")).collect()
}

#[test]
fn containers_are_bounded_and_have_no_capabilities() {
    let services = services();
    assert_eq!(services.len(), 2, "{services:#?}");
    for service in &services {
        for line in ["logging: *logging", "mem_limit: ", "cap_drop:\n    - ALL", "security_opt: *security-options"] {
            assert!(service.contains(line), "{line} is missing: {service}");
        }
        assert!(!service.contains("cap_add") && !service.contains("privileged: true"), "{service}");
    }
}

#[test]
fn compose_database_has_neither_network_nor_password() {
    let text = read("docker-compose.yml");
    assert!(text.contains("DATABASE_URL: postgres://unibooks@%2Frun%2Fpostgresql/unibooks\n"), "a password: {text}");
    let database = services().into_iter().find(|service| service.starts_with("postgres:")).expect("a database");
    assert!(database.contains("network_mode: none") && !database.contains("ports:"), "{database}");
    assert!(!database.contains("POSTGRES_PASSWORD:"), "{database}");
    let role = read("docker/postgres/server-role.sh");
    assert!(role.contains("create role unibooks login nosuperuser"), "{role}");
}

#[test]
fn all_files_name_the_same_version_of_rust() {
    let manifest = read("Cargo.toml");
    let version = manifest.lines().find_map(|line| line.strip_prefix("rust-version = ")).expect("a rust-version");
    let version = version.trim_matches('"');
    for (file, text) in [
        (".github/workflows/ci.yml", format!("rustup default {version}.0\n")),
        ("Dockerfile", format!("FROM rust:{version}-")),
        ("README.md", format!("Rust {version}")),
    ] {
        assert!(read(file).contains(&text), "{file} does not say: {text}");
    }
}

#[test]
fn python_packages_are_pinned_by_hash() {
    for (folder, at_least) in [("tests/clients", 20), ("tests/openapi", 20), ("scripts/typos", 1)] {
        let text = read(&format!("{folder}/requirements.txt"));
        let packages: Vec<_> = text.lines().filter(|line| line.contains("==")).collect();
        let hashed = text.replace("\\\n", "").lines().filter(|line| line.contains("--hash=sha256:")).count();
        assert!(packages.len() >= at_least && hashed == packages.len(), "{folder}: {hashed} of {}", packages.len());
        let wanted = read(&format!("{folder}/requirements.in"));
        for package in wanted.lines().filter(|line| line.contains("==")) {
            let pinned = package.to_lowercase().replace('_', "-");
            assert!(
                packages.iter().any(|line| line.starts_with(&pinned)),
                "{folder}: {package} is not in the other file"
            );
        }
    }
}
