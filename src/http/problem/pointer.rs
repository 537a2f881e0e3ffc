//! JSON pointers.

use std::fmt;

/// A JSON pointer (RFC 6901) as a chain on the stack, so that nothing is allocated unless there is an error to report.
#[derive(Debug, Clone, Copy)]
pub enum Pointer<'p> {
    /// The whole document.
    Root,
    /// A member of the object at the first pointer.
    Member(&'p Pointer<'p>, &'p str),
    /// An element of the array at the first pointer, counted from 0.
    Element(&'p Pointer<'p>, usize),
}

impl fmt::Display for Pointer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Member(parent, name) => write!(f, "{parent}/{}", name.replace('~', "~0").replace('/', "~1")),
            Self::Element(parent, index) => write!(f, "{parent}/{index}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_escaped_as_rfc_6901_says() {
        let items = Pointer::Member(&Pointer::Root, "line_items");
        let item = Pointer::Element(&items, 2);
        assert_eq!(Pointer::Member(&item, "a/b~c").to_string(), "/line_items/2/a~1b~0c");
        assert_eq!(Pointer::Root.to_string(), "");
    }
}
