//! Fields of the Platform API's JSON objects.

use std::{fmt, time::Duration};

use serde::{Deserialize, Deserializer, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use super::open_enum::normalized;
use crate::error::Error;

/// The fields of an object that this crate does not know, by name. An update sends them back.
///
/// `Debug` shows the names only. A field with a secret is never kept: Genesys Cloud once returned the
/// secret of an OAuth client with the client.
#[derive(Clone, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct OtherFields(Map<String, Value>);

impl OtherFields {
    /// Returns the value of a field, or `None` if it is missing or has another type.
    #[must_use]
    pub fn get<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        T::deserialize(self.0.get(name)?).ok()
    }

    /// Sets a field to a value that `serde` serialises as JSON.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration) for a value that is not JSON.
    pub fn set<T: Serialize + ?Sized>(
        &mut self,
        name: impl Into<String>,
        value: &T,
    ) -> Result<(), Error> {
        let name = name.into();
        match serde_json::to_value(value) {
            Ok(value) => {
                self.0.insert(name, value);
                Ok(())
            }
            Err(_) => Err(Error::configuration(format!(
                "the value of the field {} cannot be serialised as JSON",
                name.escape_debug()
            ))),
        }
    }

    /// Removes a field.
    pub fn remove(&mut self, name: &str) {
        self.0.remove(name);
    }

    /// Returns the names of the fields.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    pub(super) fn as_map(&self) -> &Map<String, Value> {
        &self.0
    }
}

impl<'de> Deserialize<'de> for OtherFields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut fields = Map::deserialize(deserializer)?;
        remove_secrets(&mut fields);
        Ok(Self(fields))
    }
}

impl fmt::Debug for OtherFields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}

/// Removes the fields that hold a secret, in any spelling.
pub(super) fn remove_secrets(fields: &mut Map<String, Value>) {
    fields.retain(|name, _| !SECRET_FIELDS.contains(&normalized(name).as_str()));
}

/// Reads an object of which nothing is removed, because an update sends all of it back.
pub(super) fn all_fields<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<OtherFields, D::Error> {
    let fields = Option::<Map<String, Value>>::deserialize(deserializer)?;
    Ok(OtherFields(fields.unwrap_or_default()))
}

/// Reads a number of seconds.
pub(super) fn seconds<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Duration>, D::Error> {
    Ok(Option::deserialize(deserializer)?.map(Duration::from_secs))
}

/// Reads `null` as the default.
pub(super) fn null_as_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// As [`normalized`] returns them. A credential's fields are its secrets.
const SECRET_FIELDS: [&str; 3] = ["SECRET", "CLIENTSECRET", "CREDENTIALFIELDS"];
