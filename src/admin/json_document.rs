//! JSON of any form.

use std::fmt;

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::error::Error;

/// JSON of any form, such as the schema of an input, kept as the server writes it.
///
/// ```
/// use genesys_cloud_auth::admin::JsonDocument;
///
/// # fn example() -> Result<(), genesys_cloud_auth::Error> {
/// let schema = JsonDocument::parse(r#"{ "type": "object", "required": ["email"] }"#)?;
/// assert_eq!(schema.get::<String>("/type").as_deref(), Some("object"));
/// # Ok(())
/// # }
/// # example().unwrap();
/// ```
///
/// `Debug` shows none of it, because the result of a data action is about a customer.
#[derive(Clone, Default, PartialEq, Deserialize, Serialize)]
#[serde(transparent)]
pub struct JsonDocument(Value);

impl JsonDocument {
    /// Makes a document of a value that `serde` serialises as JSON.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration) for a value that is not JSON.
    pub fn new<T: Serialize + ?Sized>(value: &T) -> Result<Self, Error> {
        let value = serde_json::to_value(value);
        let value = value.map_err(|_| Error::configuration("a value cannot be serialised as JSON"));
        value.map(Self)
    }

    /// Reads a document from a text.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration) for a text that is not JSON.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let value = serde_json::from_str(text);
        let value = value.map_err(|error| {
            let (line, column) = (error.line(), error.column());
            Error::configuration(format!(
                "the document is not JSON: see line {line}, column {column}"
            ))
        });
        value.map(Self)
    }

    pub(super) fn from_value(value: Value) -> Self {
        Self(value)
    }

    /// Returns what a JSON pointer (RFC 6901) leads to, such as `/customer/name`, or the whole for an
    /// empty one. `None` if it is missing or has another type.
    #[must_use]
    pub fn get<T: DeserializeOwned>(&self, pointer: &str) -> Option<T> {
        T::deserialize(self.0.pointer(pointer)?).ok()
    }

    /// Whether it is `null`.
    #[must_use]
    pub fn is_null(&self) -> bool {
        self.0.is_null()
    }
}

impl fmt::Debug for JsonDocument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JsonDocument(…)")
    }
}
