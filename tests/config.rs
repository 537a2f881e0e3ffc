//! The settings that there are, and what is written of them.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use unibooks::cli::environment_variables;

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn settings() -> BTreeSet<String> {
    environment_variables().into_iter().collect()
}

/// The variables of an environment file: set, or shown in a comment as `# NAME=value`.
fn named(text: &str) -> Vec<String> {
    let is_name = |name: &&str| {
        name.starts_with(|c: char| c.is_ascii_uppercase()) && name.bytes().all(|b| b.is_ascii_uppercase() || b == b'_')
    };
    let names = text.lines().filter_map(|line| line.trim_start_matches(['#', ' ']).split_once('='));
    names.map(|(name, _)| name).filter(is_name).map(str::to_owned).collect()
}

#[test]
fn example_environment_names_exactly_the_settings_that_there_are() {
    let mut named = named(&read(".env.example"));
    named.sort();
    assert_eq!(named, settings().into_iter().collect::<Vec<_>>(), "each once");
}

#[test]
fn example_environment_can_be_used_as_it_is() {
    let text = read(".env.example");
    for line in text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let (name, value) = line.split_once('=').unwrap_or_else(|| panic!("no setting: {line}"));
        assert!(settings().contains(name), "{name}");
        assert!(!value.contains(" #"), "a comment on the line of a value would be part of it: {line}");
    }
}

#[test]
fn every_setting_stands_in_the_readme() {
    let readme = read("README.md");
    let missing: Vec<_> = settings().into_iter().filter(|name| !readme.contains(&format!("`{name}`"))).collect();
    assert!(missing.is_empty(), "README.md does not name {missing:?}");
}

#[test]
fn every_setting_has_the_prefix_of_the_program() {
    let strange: Vec<_> =
        settings().into_iter().filter(|name| !name.starts_with("UNIBOOKS_") && name != "DATABASE_URL").collect();
    assert_eq!(strange, Vec::<String>::new());
}
