//! Reads server-sent events (WHATWG HTML, section 9.2.6), as this server sends them: each line ends in `\n`.

/// A message. One without data only moves the id on.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Message {
    /// The last id that was seen.
    pub id: String,
    /// The name of the event.
    pub event: String,
    /// The data, line by line.
    pub data: String,
}

/// What has arrived of a stream.
#[derive(Debug, Default)]
pub struct EventStream {
    unread: Vec<u8>,
    message: Message,
}

impl EventStream {
    /// Adds bytes, and returns the messages that are whole now.
    pub fn read(&mut self, bytes: &[u8]) -> Vec<Message> {
        self.unread.extend_from_slice(bytes);
        let mut messages = Vec::new();
        let mut read = 0;
        while let Some(length) = self.unread[read..].iter().position(|byte| *byte == b'\n') {
            let line = String::from_utf8_lossy(&self.unread[read..read + length]).into_owned();
            read += length + 1;
            if line.is_empty() {
                let next = Message { id: self.message.id.clone(), ..Message::default() };
                messages.push(std::mem::replace(&mut self.message, next));
            } else {
                self.field(&line);
            }
        }
        self.unread.drain(..read);
        messages
    }

    fn field(&mut self, line: &str) {
        let (name, text) = line.split_once(':').unwrap_or((line, ""));
        let text = text.strip_prefix(' ').unwrap_or(text);
        match name {
            "id" => text.clone_into(&mut self.message.id),
            "event" => text.clone_into(&mut self.message.event),
            "data" => {
                if !self.message.data.is_empty() {
                    self.message.data.push('\n');
                }
                self.message.data.push_str(text);
            }
            // A comment, or a field that is not needed here.
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TEXT: &str = ": hello\nretry: 1000\nid: 1\n\nid: 2\nevent: a.b\ndata: {\"ä\":1}\ndata:{}\n\nid: 3\n";

    proptest! {
        #[test]
        fn messages_do_not_depend_on_the_parts_they_arrive_in(mut cuts in prop::collection::vec(0..=TEXT.len(), 0..6)) {
            cuts.extend([0, TEXT.len()]);
            cuts.sort_unstable();
            let mut stream = EventStream::default();
            let parts = cuts.windows(2).map(|cut| &TEXT.as_bytes()[cut[0]..cut[1]]);
            let messages: Vec<_> = parts.flat_map(|part| stream.read(part)).collect();
            let message = |id: &str, event: &str, data: &str| Message {
                id: id.to_owned(), event: event.to_owned(), data: data.to_owned(),
            };
            prop_assert_eq!(messages, [message("1", "", ""), message("2", "a.b", "{\"ä\":1}\n{}")]);
        }

        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            let _ = EventStream::default().read(&bytes);
        }
    }
}
