//! Ids of documents where one of our resources is several kinds of document: `DocType/name`.

use crate::domain::RemoteId;

/// The id of a document; `None` when its name has no place in an id.
pub fn join(doctype: &str, name: &str) -> Option<RemoteId> {
    format!("{doctype}/{name}").parse().ok()
}

/// The kind and the name of a document. A kind has no slash, a name may.
pub fn split(id: &RemoteId) -> (&str, &str) {
    id.as_str().split_once('/').unwrap_or(("", id.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_with_a_slash_survives() {
        let id = join("Customer", "A/b").expect("an id");
        assert_eq!(split(&id), ("Customer", "A/b"));
    }
}
