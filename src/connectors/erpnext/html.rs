//! Frappe's texts for people, which are HTML.

/// Inline elements, which do not separate words.
const INLINE: [&str; 12] = ["a", "/a", "b", "/b", "em", "/em", "i", "/i", "span", "/span", "strong", "/strong"];

/// A text without its HTML, in one line.
pub fn plain_text(html: &str) -> String {
    let mut text = String::new();
    let mut rest = html;
    while let Some((before, tag)) = rest.split_once('<') {
        text.push_str(before);
        match tag.split_once('>') {
            Some((name, after)) if name.starts_with(|first: char| first == '/' || first.is_ascii_alphabetic()) => {
                if !name.split_whitespace().next().is_some_and(|name| INLINE.contains(&name)) {
                    text.push(' ');
                }
                rest = after;
            }
            // A `<` that begins no element is a character like others.
            _ => {
                text.push('<');
                rest = tag;
            }
        }
    }
    text.push_str(rest);
    for (entity, character) in [
        ("&nbsp;", " "),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&#x27;", "'"),
        ("&amp;", "&"),
    ] {
        text = text.replace(entity, character);
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn html_becomes_one_plain_line() {
        assert_eq!(
            plain_text("Row <strong>#1</strong>: 1 < 2 &amp;<br>see <a href=\"/app\">it</a>\n"),
            "Row #1: 1 < 2 & see it"
        );
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[<>&;/a-z é]*") {
            plain_text(&text);
        }
    }
}
