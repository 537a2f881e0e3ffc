//! JSON objects and arrays, one level at a time. Each value stays the text that the client wrote.
//!
//! [`serde_json::Value`] would turn numbers into binary floats and drop duplicate members; these types keep both.

use std::borrow::Cow;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// The members of one JSON object. For a duplicate member, the first value is kept and the name is listed; the reader of
/// the object decides how to treat it.
#[derive(Debug)]
pub struct Members<'a> {
    /// Every member's value as written.
    pub by_name: BTreeMap<Cow<'a, str>, &'a RawValue>,
    /// Names that appear more than once, each listed once. RFC 8259 section 4 leaves their meaning open.
    pub duplicates: BTreeSet<Cow<'a, str>>,
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

/// The first elements of an array, as written, and the total number. The bound protects memory: two bytes of a body can
/// be an element, and a reference to it is eight times as large.
#[derive(Debug)]
pub struct FirstElements<'a> {
    /// The first elements.
    pub kept: Vec<&'a RawValue>,
    /// The total number of elements.
    pub count: usize,
}

impl<'a> FirstElements<'a> {
    /// Reads an array, keeping at most `max` elements.
    ///
    /// # Errors
    /// When any element, kept or not, is not well formed or not Unicode.
    pub fn read(array: &'a RawValue, max: usize) -> serde_json::Result<Self> {
        struct AtMost(usize);

        impl<'de> Visitor<'de> for AtMost {
            type Value = FirstElements<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Self::Value, A::Error> {
                let mut read = FirstElements { kept: Vec::new(), count: 0 };
                while let Some(element) = elements.next_element()? {
                    if read.count < self.0 {
                        read.kept.push(element);
                    }
                    read.count += 1;
                }
                Ok(read)
            }
        }

        serde_json::Deserializer::from_str(array.get()).deserialize_seq(AtMost(max))
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
        /// Borrows the name from the input when it has no escapes.
        #[derive(Deserialize)]
        struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

        let mut members = Members { by_name: BTreeMap::new(), duplicates: BTreeSet::new() };
        while let Some((Name(name), value)) = map.next_entry::<Name<'de>, &RawValue>()? {
            match members.by_name.entry(name) {
                Entry::Vacant(free) => {
                    free.insert(value);
                }
                Entry::Occupied(taken) => {
                    members.duplicates.insert(taken.key().clone());
                }
            }
        }
        Ok(members)
    }
}
