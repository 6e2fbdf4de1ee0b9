//! `expires_in`, read as tolerantly as servers write it.

use std::{fmt, time::Duration};

use serde::{Deserializer, de};

/// Seconds as a number or as digits in a string; what is over or never was is zero. Anything else
/// counts as missing.
pub(super) fn deserialize<'de, D>(deserializer: D) -> Result<Option<Duration>, D::Error>
where
    D: Deserializer<'de>,
{
    deserializer.deserialize_any(ExpiresIn)
}

struct ExpiresIn;

impl<'de> de::Visitor<'de> for ExpiresIn {
    type Value = Option<Duration>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number of seconds")
    }

    fn visit_u64<E>(self, seconds: u64) -> Result<Self::Value, E> {
        Ok(Some(Duration::from_secs(seconds)))
    }

    fn visit_i64<E>(self, seconds: i64) -> Result<Self::Value, E> {
        Ok(Some(Duration::from_secs(
            u64::try_from(seconds).unwrap_or(0),
        )))
    }

    fn visit_f64<E>(self, seconds: f64) -> Result<Self::Value, E> {
        let seconds = seconds.max(0.0);
        Ok(Some(
            Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX),
        ))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        match text.trim().parse::<i128>() {
            Ok(seconds) => {
                let seconds = seconds.clamp(0, u64::MAX.into());
                Ok(Some(Duration::from_secs(
                    u64::try_from(seconds).unwrap_or(u64::MAX),
                )))
            }
            Err(_) => Ok(None),
        }
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map
            .next_entry::<de::IgnoredAny, de::IgnoredAny>()?
            .is_some()
        {}
        Ok(None)
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        while list.next_element::<de::IgnoredAny>()?.is_some() {}
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_stands_there_is_read() {
        for (text, expected) in [
            ("86399", Some(86_399)),
            ("\"86400\"", Some(86_400)),
            ("0", Some(0)),
            ("-1", Some(0)),
            ("\"-1\"", Some(0)),
            ("1e12", Some(1_000_000_000_000)),
            ("-1e12", Some(0)),
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
