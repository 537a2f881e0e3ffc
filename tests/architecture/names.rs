//! Names of tests: short enough for a list, and in standard words.

use std::fs;

use super::source::{files, root};

/// The most characters of a name; a list of tests stays readable with it.
const MAX_LENGTH: usize = 60;

/// Words that make a reader guess who does what.
const UNCLEAR_WORDS: &[&str] =
    &["likewise", "mended", "standing", "stands", "tell", "tells", "told", "whatever", "wherever", "whoever"];

/// The names in `src/` and `tests/` that break the rule, each with its file.
pub fn violations() -> Vec<String> {
    let all = ["src", "tests"].into_iter().flat_map(|folder| files(&root().join(folder), &["rs", "py"]));
    let names = all.flat_map(|path| {
        let text = fs::read_to_string(&path).expect("a text");
        let file = path.strip_prefix(root()).expect("in the crate").display().to_string();
        tests(&text).into_iter().map(move |name| (file.clone(), name)).collect::<Vec<_>>()
    });
    let names: Vec<_> = names.collect();
    assert!(names.len() > 500, "only {} tests were read", names.len());
    names.iter().filter_map(|(file, name)| Some(format!("{file}: {name} {}", fault(name)?))).collect()
}

/// The names of the tests in a file: functions after `#[test]` or `#[tokio::test]`, and pytest's `test_…`.
fn tests(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut is_test = false;
    for line in text.lines().map(str::trim) {
        let line = line.trim_start_matches("pub ").trim_start_matches("async ");
        let name = |rest: &str| rest.split('(').next().unwrap_or_default().to_owned();
        if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
            is_test = true;
        } else if let Some(rest) = line.strip_prefix("fn ") {
            if is_test {
                names.push(name(rest));
            }
            is_test = false;
        } else if line.starts_with("def test_") {
            names.push(name(line.trim_start_matches("def ")));
        }
    }
    names
}

/// What is wrong with a name.
fn fault(name: &str) -> Option<String> {
    let unclear = name.split('_').find(|word| UNCLEAR_WORDS.contains(word));
    let is_long = name.len() > MAX_LENGTH;
    let long = is_long.then(|| format!("has {} characters of {MAX_LENGTH}", name.len()));
    long.or_else(|| unclear.map(|word| format!("contains the word `{word}`")))
}

#[test]
fn long_and_unclear_names_are_found() {
    let rust =
        "    #[test]\n    fn first() {}\n#[tokio::test(start_paused = true)]\nasync fn second() {}\nfn third() {}\n";
    assert_eq!(tests(rust), ["first", "second"]);
    assert_eq!(
        tests("def test_first(books):\nasync def test_second():\ndef third():\n"),
        ["test_first", "test_second"]
    );
    assert_eq!(fault(&"a".repeat(60)), None);
    assert!(fault(&"a".repeat(61)).is_some());
    assert!(fault("client_is_told_when_to_retry").is_some());
    assert_eq!(fault("standards_are_kept"), None);
}
