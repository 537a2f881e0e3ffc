//! The Markdown documents: their links, their lines, and the length of the way to a first payment.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use unibooks::db::TABLES;

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// All Markdown files of the project's root, of `docs/` and of `fuzz/`.
fn documents() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = ["", "docs", "docs/api", "docs/connect", "docs/decisions", "fuzz"].map(|folder| root.join(folder));
    let files = folders.iter().flat_map(|folder| fs::read_dir(folder).expect("a folder"));
    let files = files.map(|entry| entry.expect("an entry").path());
    files.filter(|path| path.extension().is_some_and(|extension| extension == "md")).collect()
}

/// The text without blocks of code.
fn prose(text: &str) -> String {
    text.split("```").step_by(2).collect()
}

/// The targets of all links: what is between `](` and `)`.
fn links(text: &str) -> Vec<String> {
    let rest = text.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
    rest.map(|(target, _)| target.to_owned()).filter(|target| !target.contains("://")).collect()
}

/// The anchors of a document: its headings, as GitHub writes them.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings = prose(text).lines().filter_map(|line| line.strip_prefix('#')).map(str::to_owned).collect::<Vec<_>>();
    let anchor = |heading: String| {
        let kept = heading.trim_start_matches('#').trim().to_lowercase().replace(' ', "-");
        kept.chars().filter(|c| c.is_alphanumeric() || matches!(c, '-' | '_')).collect()
    };
    headings.into_iter().map(anchor).collect()
}

#[test]
fn links_lead_to_files_and_headings_that_exist() {
    let documents = documents();
    let mut checked = 0;
    for document in &documents {
        let text = read(document);
        for link in links(&prose(&text)) {
            let (path, anchor) = link.split_once('#').map_or((&*link, None), |(path, anchor)| (path, Some(anchor)));
            let target = if path.is_empty() { document.clone() } else { document.with_file_name(path) };
            assert!(target.exists(), "{} links to {link}, which does not exist", document.display());
            if let Some(anchor) = anchor {
                let has_it = anchors(&read(&target)).contains(anchor);
                assert!(has_it, "{} links to {link}, which has no such heading", document.display());
            }
            checked += 1;
        }
    }
    assert!(documents.len() > 20 && checked > 50, "{checked} links in {} documents", documents.len());
}

#[test]
fn lines_of_prose_have_at_most_120_characters() {
    for document in documents() {
        for line in prose(&read(&document)).lines().filter(|line| !line.starts_with('|')) {
            assert!(line.chars().count() <= 120, "{}: {line}", document.display());
        }
    }
}

#[test]
fn operations_name_the_rights_on_every_table() {
    let text = read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/operations.md"));
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let with = |right: &str, has_it: bool| {
        let tables = TABLES.iter().filter(|(table, _)| *table != "_sqlx_migrations");
        let found = tables.filter(|(_, rights)| rights.contains(&right) == has_it);
        let mut names: Vec<_> = found.map(|(table, _)| format!("`{table}`")).collect();
        let last = names.pop().unwrap_or_default();
        format!("{} and {last}", names.join(", "))
    };
    for right in ["select", "insert"] {
        assert_eq!(with(right, false), " and ", "every table needs {right}");
    }
    for sentence in
        [format!("`update` on all but {}.", with("update", false)), format!("`delete` on {}.", with("delete", true))]
    {
        assert!(text.contains(&sentence), "{sentence}");
    }
}

#[test]
fn readme_reaches_the_first_201_within_two_screens() {
    let readme = read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md"));
    let line = readme.lines().position(|line| line == "HTTP/1.1 201 Created").expect("the first answer");
    assert!(line < 80, "the first 201 is at line {}", line + 1);
}
