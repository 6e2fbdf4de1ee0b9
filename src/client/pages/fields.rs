//! The fields of a JSON object, and plain values, read without decoding the rest.

use std::{collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{Error as _, MapAccess, Visitor},
};
use serde_json::value::RawValue;

/// The fields of an object. A name that occurs twice is an error.
#[derive(Default)]
pub(super) struct Fields<'a>(pub(super) BTreeMap<String, &'a RawValue>);

/// A plain JSON value.
pub(super) enum Scalar {
    Null,
    Bool(bool),
    Number(String),
    Text(String),
    /// A list or an object.
    Other {
        is_empty: bool,
    },
}

impl Fields<'_> {
    /// Whether the field is there and its JSON starts with `start`.
    pub(super) fn is(&self, name: &str, start: char) -> bool {
        let field = self.0.get(name);
        field.is_some_and(|value| value.get().starts_with(start))
    }

    /// Whether a field, or a field of an object in it, is a list that is not empty.
    pub(super) fn has_another_list(&self) -> bool {
        let is_list = |value: &&RawValue| value.get().starts_with('[') && !is_empty(value.get());
        let has_list = |value: &&RawValue| {
            serde_json::from_str::<Fields<'_>>(value.get())
                .is_ok_and(|fields| fields.0.values().any(is_list))
        };
        let mut fields = self.0.iter();
        fields.any(|(name, value)| {
            !NO_ITEMS.contains(&name.as_str()) && (is_list(value) || has_list(value))
        })
    }
}

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Fields::default();
                while let Some((name, value)) = map.next_entry()? {
                    if fields.0.insert(name, value).is_some() {
                        return Err(A::Error::custom("a field occurs twice"));
                    }
                }
                Ok(fields)
            }
        }
        deserializer.deserialize_map(Object)
    }
}

impl Scalar {
    pub(super) fn new(json: &str) -> Self {
        match json.as_bytes().first() {
            Some(b'n') | None => Self::Null,
            Some(b't' | b'f') => Self::Bool(json == "true"),
            Some(b'"') => Self::Text(serde_json::from_str(json).unwrap_or_default()),
            Some(b'{' | b'[') => Self::Other {
                is_empty: is_empty(json),
            },
            Some(_) => Self::Number(json.to_owned()),
        }
    }

    /// Returns a number, also one in a text. A negative one has no meaning and counts as missing.
    pub(super) fn number(&self, name: &str) -> Result<Option<u64>, String> {
        let text = match self {
            Self::Null => return Ok(None),
            Self::Text(text) if text.trim().is_empty() => return Ok(None),
            Self::Number(text) | Self::Text(text) => text.trim(),
            Self::Bool(_) | Self::Other { .. } => "",
        };
        if matches!(self, Self::Number(_)) && text.starts_with('-') {
            return Ok(None);
        }
        let number = text.strip_suffix(".0").unwrap_or(text).parse();
        number
            .map(Some)
            .map_err(|_| format!("its `{name}` is not a number"))
    }

    /// Returns a text or a number, or `None` if it is empty.
    pub(super) fn text(&self, name: &str) -> Result<Option<String>, String> {
        match self {
            Self::Null => Ok(None),
            Self::Text(text) | Self::Number(text) => {
                Ok(Some(text.clone()).filter(|text| !text.is_empty()))
            }
            Self::Bool(_) | Self::Other { .. } => Err(format!("its `{name}` is not a text")),
        }
    }
}

/// Fields of Genesys Cloud's searches and of SCIM, with lists that are not of items.
const NO_ITEMS: [&str; 3] = ["aggregations", "schemas", "types"];

/// Whether the JSON of a list or an object has nothing in it.
pub(super) fn is_empty(json: &str) -> bool {
    let inner = json.get(1..json.len().saturating_sub(1));
    inner.is_some_and(|inner| inner.trim().is_empty())
}
