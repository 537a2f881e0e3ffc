//! Checks the promises of the fuzz targets (`fuzz/promises.rs`) on the inputs that the fuzzers have collected.

#[path = "../fuzz/promises.rs"]
mod promises;

use std::fs;
use std::path::Path;

/// Checks a promise on every input of a corpus.
fn check(corpus: &str, promise: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(corpus);
    let inputs = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut checked = 0;
    for input in inputs {
        promise(&fs::read(input.expect("an entry").path()).expect("an input"));
        checked += 1;
    }
    assert!(checked > 0, "{} is empty", folder.display());
}

#[test]
fn corpus_of_bodies_keeps_the_promises() {
    check("body", promises::body);
}

#[test]
fn corpus_of_queries_keeps_the_promises() {
    check("query", promises::query);
}

#[test]
fn corpus_of_cursors_keeps_the_promises() {
    check("cursor", promises::cursor);
}

#[test]
fn corpus_of_keys_keeps_the_promises() {
    check("key", promises::key);
}

#[test]
fn corpus_of_tokens_keeps_the_promises() {
    check("token", promises::token);
}

#[test]
fn corpus_of_trytons_answers_keeps_the_promises() {
    check("tryton", promises::tryton);
}
