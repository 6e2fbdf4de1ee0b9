//! An OAuth client as the Platform API shows it.

use std::time::{Duration, SystemTime};

use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::{
    admin::{
        fields::{OtherFields, null_as_default, seconds},
        open_enum::open_enum,
    },
    provider::NamedEntity,
    rfc3339::{date_time, format_date_time},
};

/// An OAuth client. It has no secret: Genesys Cloud returns that only when it is generated, as
/// [`OAuthClientWithSecret`].
///
/// ```compile_fail,E0609
/// fn secret(client: genesys_cloud_auth::admin::OAuthClient) {
///     client.secret;
/// }
/// ```
///
/// Source: Genesys Cloud Platform API, the schema `OAuthClient`; Resource Center, "Create an OAuth
/// client".
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct OAuthClient {
    /// Its id, with which it authenticates.
    pub id: String,
    /// Its name. Several clients may have the same.
    #[serde(default, deserialize_with = "null_as_default")]
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// How its tokens get authorised.
    #[serde(default, rename = "authorizedGrantType")]
    pub grant_type: GrantType,
    /// The lifetime of its access tokens, in whole seconds.
    #[serde(
        default,
        rename = "accessTokenValiditySeconds",
        deserialize_with = "seconds"
    )]
    pub token_duration: Option<Duration>,
    /// Where the login page may send a user back to.
    #[serde(
        default,
        rename = "registeredRedirectUri",
        deserialize_with = "null_as_default"
    )]
    pub redirect_uris: Vec<String>,
    /// What users' tokens may do, such as `users:readonly`.
    #[serde(default, rename = "scope", deserialize_with = "null_as_default")]
    pub scopes: Vec<String>,
    /// The roles of a client with client credentials, each in one division.
    #[serde(
        default,
        rename = "roleDivisions",
        deserialize_with = "null_as_default"
    )]
    pub roles: Vec<RoleDivision>,
    /// The ids of its roles without divisions. Genesys Cloud has deprecated this field.
    #[serde(default, deserialize_with = "null_as_default")]
    pub role_ids: Vec<String>,
    /// Whether it gets tokens.
    #[serde(default)]
    pub state: ClientState,
    /// When it will be deleted.
    #[serde(default, deserialize_with = "date_time")]
    pub date_to_delete: Option<SystemTime>,
    /// When it was created. An update does not change it.
    #[serde(default, deserialize_with = "date_time")]
    pub date_created: Option<SystemTime>,
    /// When it was changed. There is no date of the secret. An update does not send this.
    #[serde(default, deserialize_with = "date_time")]
    pub date_modified: Option<SystemTime>,
    /// The creator's id. An update does not send this.
    pub created_by: Option<NamedEntity>,
    /// The id of the last person or client to change it. An update does not send this.
    pub modified_by: Option<NamedEntity>,
    /// Its path at the API. An update does not send this.
    pub self_uri: Option<String>,
    /// The fields that this crate does not know. An update sends them.
    #[serde(flatten)]
    pub other: OtherFields,
}

impl OAuthClient {
    /// Whether it has a role, in either of the two fields.
    pub(super) fn has_roles(&self) -> bool {
        !self.roles.is_empty() || !self.role_ids.is_empty()
    }

    /// Returns `fetched`, which was read as `before`, with the changes that led to this client. What
    /// did not change stays as the server wrote it.
    pub(super) fn changed_body(
        &self,
        before: &Self,
        mut fetched: Map<String, Value>,
    ) -> Map<String, Value> {
        fetched.retain(|name, _| !READ_ONLY.contains(&name.as_str()));
        for (name, field) in WRITABLE {
            let (old, new) = (field(before), field(self));
            if new.is_null() && !old.is_null() {
                fetched.remove(name);
            } else if new != old {
                fetched.insert(name.to_owned(), new);
            }
        }
        let (old, new) = (before.other.as_map(), self.other.as_map());
        fetched.retain(|name, _| !old.contains_key(name) || new.contains_key(name));
        for (name, value) in new {
            if old.get(name) != Some(value) {
                fetched.insert(name.clone(), value.clone());
            }
        }
        fetched
    }
}

/// Whether the crate has its own way to set the field, or the server sets it.
pub(super) fn is_known_field(name: &str) -> bool {
    let mut known = WRITABLE.iter().map(|(known, _)| known).chain(READ_ONLY);
    known.any(|known| known.eq_ignore_ascii_case(name))
}

/// An OAuth client and its new secret, which cannot be requested again. Put it where it is needed, and
/// nowhere else.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct OAuthClientWithSecret {
    /// The client.
    pub client: OAuthClient,
    /// Its secret.
    pub secret: SecretString,
}

/// A role in a division.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RoleDivision {
    /// The role's id.
    pub role_id: String,
    /// The division's id, or `*` for all divisions.
    #[serde(default, deserialize_with = "null_as_default")]
    pub division_id: String,
    /// The fields that this crate does not know.
    #[serde(flatten)]
    pub other: OtherFields,
}

impl RoleDivision {
    /// A role in one division, or in all of them: `*`.
    pub fn new(role_id: impl Into<String>, division_id: impl Into<String>) -> Self {
        Self {
            role_id: role_id.into(),
            division_id: division_id.into(),
            other: OtherFields::default(),
        }
    }
}

open_enum! {
    /// How the tokens of an OAuth client get authorised.
    ///
    /// ```
    /// use genesys_cloud_auth::admin::GrantType;
    ///
    /// assert_eq!(GrantType::from("CLIENT_CREDENTIALS"), GrantType::ClientCredentials);
    /// assert_eq!(GrantType::ClientCredentials.as_str(), "CLIENT-CREDENTIALS");
    /// assert_eq!(GrantType::from("DEVICE"), GrantType::Other("DEVICE".to_owned()));
    /// ```
    GrantType {
        /// Client credentials, for servers, jobs and data actions. The only one with roles.
        ClientCredentials = "CLIENT-CREDENTIALS",
        /// The authorization code, with or without PKCE, for users.
        AuthorizationCode = "CODE",
        /// A SAML assertion, for users of a single sign-on.
        Saml2Bearer = "SAML2-BEARER",
        /// The implicit grant, which has
        /// [ended for new clients](crate::limits::IMPLICIT_GRANT_CLOSED_SINCE).
        Implicit = "TOKEN",
        /// A user's password. Clients cannot be created with it.
        Password = "PASSWORD",
    }
}

open_enum! {
    /// Whether an OAuth client gets tokens.
    ClientState {
        /// It gets tokens.
        Active = "active",
        /// It gets no tokens, and those that it had are invalid.
        Disabled = "disabled",
        /// It gets no tokens, and will be deleted.
        Inactive = "inactive",
        /// It was deleted.
        Deleted = "deleted",
    }
}

/// A field's name and value.
type Field = (&'static str, fn(&OAuthClient) -> Value);

/// The fields that an update sends.
const WRITABLE: [Field; 10] = [
    ("name", |client| json!(client.name)),
    ("description", |client| json!(client.description)),
    ("authorizedGrantType", |client| json!(client.grant_type)),
    ("accessTokenValiditySeconds", |client| {
        json!(client.token_duration.map(|duration| duration.as_secs()))
    }),
    ("registeredRedirectUri", |client| {
        json!(client.redirect_uris)
    }),
    ("scope", |client| json!(client.scopes)),
    ("roleDivisions", |client| json!(client.roles)),
    ("roleIds", |client| json!(client.role_ids)),
    ("state", |client| json!(client.state)),
    ("dateToDelete", |client| {
        json!(client.date_to_delete.map(format_date_time))
    }),
];

/// The fields that only the server writes.
const READ_ONLY: &[&str] = &[
    "id",
    "selfUri",
    "secret",
    "dateCreated",
    "dateModified",
    "createdBy",
    "modifiedBy",
];
