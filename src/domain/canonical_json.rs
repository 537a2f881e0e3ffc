//! One text for equal JSON values.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::ParseError;
use super::free_text::refuse_nul;
use super::json::Members;

/// The canonical text of a JSON value: no white space, members sorted by name, numbers with the digits that they were
/// written with (never a binary float).
///
/// # Errors
/// `too_deep`, `duplicate_member`, `invalid_string` or `nul_character`.
pub fn canonical(value: &RawValue, max_depth: usize) -> Result<String, ParseError> {
    let mut text = String::with_capacity(value.get().len());
    Writer { max_depth, text: &mut text }.write(value, max_depth)?;
    Ok(text)
}

/// The error of a text that JSON can hold and Unicode cannot.
pub(super) fn invalid_string(_: serde_json::Error) -> ParseError {
    ParseError::new("invalid_string", "contains text that is not Unicode (an unpaired surrogate)")
}

struct Writer<'a> {
    max_depth: usize,
    text: &'a mut String,
}

impl Writer<'_> {
    fn write(&mut self, value: &RawValue, depth_left: usize) -> Result<(), ParseError> {
        let text = value.get();
        match text.as_bytes().first() {
            Some(b'{') => {
                let depth_left = self.deeper(depth_left)?;
                let members: Members<'_> = serde_json::from_str(text).map_err(invalid_string)?;
                if let Some(name) = members.duplicates.first() {
                    let name: String = name.chars().take(64).collect();
                    let detail = format!("the member `{name}` appears more than once");
                    return Err(ParseError::new("duplicate_member", detail));
                }
                self.text.push('{');
                for (index, (name, value)) in members.by_name.into_iter().enumerate() {
                    if index > 0 {
                        self.text.push(',');
                    }
                    self.write_string(&name)?;
                    self.text.push(':');
                    self.write(value, depth_left)?;
                }
                self.text.push('}');
            }
            Some(b'[') => {
                let depth_left = self.deeper(depth_left)?;
                let elements: Vec<&RawValue> = serde_json::from_str(text).map_err(invalid_string)?;
                self.text.push('[');
                for (index, element) in elements.into_iter().enumerate() {
                    if index > 0 {
                        self.text.push(',');
                    }
                    self.write(element, depth_left)?;
                }
                self.text.push(']');
            }
            Some(b'"') => self.write_string(&serde_json::from_str::<Cow<'_, str>>(text).map_err(invalid_string)?)?,
            // A number, true, false or null: the text itself.
            _ => self.text.push_str(text),
        }
        Ok(())
    }

    fn deeper(&self, depth_left: usize) -> Result<usize, ParseError> {
        depth_left
            .checked_sub(1)
            .ok_or_else(|| ParseError::new("too_deep", format!("nested more than {} levels deep", self.max_depth)))
    }

    fn write_string(&mut self, text: &str) -> Result<(), ParseError> {
        refuse_nul(text)?;
        self.text.push_str(&serde_json::to_string(text).map_err(invalid_string)?);
        Ok(())
    }
}
