//! The header `Prefer` (RFC 7240).

use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue};

/// What a client prefers about the time of its answer. Preferences that are unknown or malformed are ignored, as RFC 7240
/// section 2 demands; `Preference-Applied` says which one was not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Prefer {
    /// `wait`, in seconds: how long the client is ready to wait.
    pub wait: Option<u32>,
    /// `respond-async`: the client would rather not wait at all.
    pub respond_async: bool,
}

impl Prefer {
    /// The preferences in these headers.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Self {
        Self::parse(headers.get_all("prefer").iter())
    }

    /// How long to wait, where a client that prefers nothing waits for `default`.
    #[must_use]
    pub fn patience(self, default: Duration) -> Duration {
        match self {
            // With both, `wait` says when it becomes asynchronous (RFC 7240 section 4.3).
            Self { wait: Some(seconds), .. } => Duration::from_secs(seconds.into()),
            Self { respond_async: true, .. } => Duration::ZERO,
            Self { .. } => default,
        }
    }

    /// The value of `Preference-Applied`, when the answer took this preference into account.
    #[must_use]
    pub fn applied(self) -> Option<HeaderValue> {
        let wait = self.wait.map(|seconds| format!("wait={seconds}"));
        let respond_async = self.respond_async.then(|| "respond-async".to_owned());
        let applied: Vec<_> = respond_async.into_iter().chain(wait).collect();
        if applied.is_empty() { None } else { HeaderValue::try_from(applied.join(", ")).ok() }
    }

    /// Reads the values of all headers of this name. The first preference of a name counts.
    fn parse<'a>(values: impl Iterator<Item = &'a HeaderValue>) -> Self {
        let mut prefer = Self::default();
        let texts = values.filter_map(|value| value.to_str().ok());
        for preference in texts.flat_map(|text| text.split(',')) {
            // Parameters after a semicolon are defined for neither of the two.
            let token = preference.split(';').next().unwrap_or_default();
            let (name, value) = token.split_once('=').map_or((token, ""), |(name, value)| (name, value));
            let (name, value) = (name.trim().to_ascii_lowercase(), value.trim().trim_matches('"'));
            match name.as_str() {
                "respond-async" => prefer.respond_async = true,
                "wait" if prefer.wait.is_none() && value.bytes().all(|byte| byte.is_ascii_digit()) => {
                    prefer.wait = value.parse().ok();
                }
                _ => {}
            }
        }
        prefer
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn parse(texts: &[&str]) -> Prefer {
        let values: Vec<_> = texts.iter().map(|text| HeaderValue::from_str(text).expect(text)).collect();
        Prefer::parse(values.iter())
    }

    #[test]
    fn preferences_are_read_in_any_place_and_letter_case() {
        let both = Prefer { wait: Some(5), respond_async: true };
        for texts in
            [&["respond-async, wait=5"][..], &["Wait = \"5\"", "RESPOND-ASYNC"], &["wait=5; x=1,,respond-async"]]
        {
            assert_eq!(parse(texts), both, "{texts:?}");
        }
        assert_eq!(parse(&["wait=5, wait=9"]), Prefer { wait: Some(5), respond_async: false }, "the first one counts");
    }

    #[test]
    fn what_is_malformed_or_unknown_is_ignored() {
        for text in
            ["", "wait", "wait=", "wait=-1", "wait=+1", "wait=1.5", "wait=1s", "wait=99999999999", "return=minimal"]
        {
            assert_eq!(parse(&[text]), Prefer::default(), "{text}");
        }
    }

    #[test]
    fn patience_follows_the_preference() {
        let default = Duration::from_secs(10);
        for (texts, seconds) in [
            (&[][..], 10),
            (&["wait=3"], 3),
            (&["respond-async"], 0),
            (&["respond-async, wait=3"], 3),
            (&["wait=0"], 0),
        ] {
            assert_eq!(parse(texts).patience(default), Duration::from_secs(seconds), "{texts:?}");
        }
    }

    proptest! {
        #[test]
        fn no_header_panics(bytes: Vec<u8>) {
            if let Ok(value) = HeaderValue::from_bytes(&bytes) {
                let prefer = Prefer::parse([&value].into_iter());
                prop_assert_eq!(prefer.applied().is_some(), prefer != Prefer::default());
            }
        }
    }
}
