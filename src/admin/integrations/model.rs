//! An integration as the Platform API shows it.

use std::{collections::BTreeMap, time::SystemTime};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::{
    admin::{
        fields::{OtherFields, all_fields, null_as_default},
        open_enum::open_enum,
    },
    provider::NamedEntity,
    rfc3339::date_time,
};

/// An integration.
///
/// Source: Genesys Cloud Platform API, the schema `Integration`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Integration {
    /// Its id.
    pub id: String,
    /// Its name.
    #[serde(default, deserialize_with = "null_as_default")]
    pub name: String,
    /// Its type, such as `purecloud-data-actions`.
    #[serde(default, deserialize_with = "null_as_default")]
    pub integration_type: NamedEntity,
    /// What was last asked for.
    #[serde(default)]
    pub intended_state: IntendedState,
    /// What it does.
    #[serde(default, deserialize_with = "null_as_default")]
    pub reported_state: ReportedState,
    /// Its path at the API.
    pub self_uri: Option<String>,
    /// The fields that this crate does not know.
    #[serde(flatten)]
    pub other: OtherFields,
}

/// What an integration does.
///
/// Source: Genesys Cloud Platform API, the schema `IntegrationStatusInfo`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[non_exhaustive]
pub struct ReportedState {
    /// Its state.
    pub code: ReportedStateCode,
    /// Why it has this state.
    #[serde(deserialize_with = "message")]
    pub detail: Option<String>,
    /// Since when.
    #[serde(deserialize_with = "date_time")]
    pub last_updated: Option<SystemTime>,
    /// The fields that this crate does not know.
    #[serde(flatten)]
    pub other: OtherFields,
}

open_enum! {
    /// The state that was asked for an integration.
    IntendedState {
        /// It is to run.
        Enabled = "ENABLED",
        /// It is not to run.
        Disabled = "DISABLED",
        /// It was deleted.
        Deleted = "DELETED",
        /// Its deletion was undone.
        Restored = "RESTORED",
    }
}

open_enum! {
    /// The state that an integration has.
    ReportedStateCode {
        /// It runs.
        Active = "ACTIVE",
        /// It starts.
        Activating = "ACTIVATING",
        /// It does not run.
        Inactive = "INACTIVE",
        /// It stops.
        Deactivating = "DEACTIVATING",
        /// It cannot run.
        Error = "ERROR",
    }
}

/// The configuration of an integration. [`configure`](super::Integrations::configure) replaces all of
/// it.
///
/// Source: Genesys Cloud Platform API, the schema `IntegrationConfiguration`.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct IntegrationConfiguration {
    /// The name of the integration.
    #[serde(default, deserialize_with = "null_as_default")]
    pub name: String,
    /// Its version. It is sent as it was fetched.
    pub version: Option<i64>,
    /// Notes about it.
    #[serde(default, deserialize_with = "notes")]
    pub notes: String,
    /// Settings whose names depend on its type.
    #[serde(default, deserialize_with = "all_fields")]
    pub properties: OtherFields,
    /// More of them.
    #[serde(default, deserialize_with = "all_fields")]
    pub advanced: OtherFields,
    /// The ids of its credentials, by the names that its type has for them, such as
    /// `pureCloudOAuthClient`.
    #[serde(
        default,
        deserialize_with = "read_credentials",
        serialize_with = "write_credentials"
    )]
    pub credentials: BTreeMap<String, String>,
    /// Its id. An update does not send this.
    #[serde(skip_serializing)]
    pub id: Option<String>,
    /// Its path at the API. An update does not send this.
    #[serde(skip_serializing)]
    pub self_uri: Option<String>,
    /// The fields that this crate does not know. An update sends them.
    #[serde(flatten)]
    pub other: OtherFields,
}

impl IntegrationConfiguration {
    /// Sets the credential under a name that the integration's type has for it: `pureCloudOAuthClient`
    /// for `purecloud-data-actions`, `basicAuth` or `userDefinedOAuth` for `custom-rest-actions`.
    pub fn set_credential(&mut self, name: &str, credential_id: &str) {
        let id = credential_id.to_owned();
        self.credentials.insert(name.to_owned(), id);
    }

    /// Whether one of its credentials has this id.
    #[must_use]
    pub fn uses_credential(&self, credential_id: &str) -> bool {
        self.credentials.values().any(|id| id == credential_id)
    }
}

/// Reads a text, or the `message` of an object.
fn message<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    let text = value.get("message").unwrap_or(&value).as_str();
    Ok(text.filter(|text| !text.is_empty()).map(str::to_owned))
}

/// Reads notes, which have a placeholder where there are none.
fn notes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let notes = Option::<String>::deserialize(deserializer)?;
    let notes = notes.filter(|notes| notes != "node_dynamodb_empty_string");
    Ok(notes.unwrap_or_default())
}

#[derive(Default, Deserialize, Serialize)]
struct Reference {
    id: String,
}

fn read_credentials<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, String>, D::Error> {
    let references = Option::<BTreeMap<String, Option<Reference>>>::deserialize(deserializer)?;
    let references = references.unwrap_or_default().into_iter();
    Ok(references
        .filter_map(|(name, reference)| Some((name, reference?.id)))
        .collect())
}

fn write_credentials<S: Serializer>(
    credentials: &BTreeMap<String, String>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let references = credentials.iter();
    serializer.collect_map(references.map(|(name, id)| (name, Reference { id: id.clone() })))
}
