//! Reads `expires_in` in all the forms that servers send.

use std::time::Duration;

use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// Reads seconds as a number or as digits in a string. Negative values become zero, and anything
/// else counts as missing.
pub(super) fn deserialize<'de, D>(deserializer: D) -> Result<Option<Duration>, D::Error>
where
    D: Deserializer<'de>,
{
    Ok(match Value::deserialize(deserializer)? {
        Value::Number(number) => number
            .as_u64()
            .map(Duration::from_secs)
            .or_else(|| Some(whole_seconds(number.as_f64()?))),
        Value::String(text) => text.trim().parse::<i128>().ok().map(|seconds| {
            let seconds = seconds.clamp(0, u64::MAX.into());
            Duration::from_secs(u64::try_from(seconds).unwrap_or(u64::MAX))
        }),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    })
}

/// Rounds down: a life of less than a second would cause token requests without a pause.
fn whole_seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds.max(0.0).trunc()).unwrap_or(Duration::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_digits_are_read() {
        for (text, expected) in [
            ("86399", Some(86_399)),
            ("\"86400\"", Some(86_400)),
            ("0", Some(0)),
            ("-1", Some(0)),
            ("\"-1\"", Some(0)),
            ("1e12", Some(1_000_000_000_000)),
            ("-1e12", Some(0)),
            ("0.9", Some(0)),
            ("86399.5", Some(86_399)),
            ("null", None),
            ("true", None),
            ("\"soon\"", None),
            ("\"\"", None),
            ("[1]", None),
            ("{\"a\":1}", None),
        ] {
            let read = deserialize(&mut serde_json::Deserializer::from_str(text)).unwrap();
            assert_eq!(read, expected.map(Duration::from_secs), "{text}");
        }
        let endless = deserialize(&mut serde_json::Deserializer::from_str("1e300")).unwrap();
        assert_eq!(endless, Some(Duration::MAX));
    }
}
