//! The name, type and values of a credential.

use std::{collections::BTreeMap, fmt};

use secrecy::{ExposeSecret, SecretString};
use serde::{Serialize, Serializer};

use crate::{admin::open_enum::open_enum, client::Request, error::Error};

/// A credential to be [created](super::Integrations::create_credential), or to
/// [replace](super::Integrations::replace_credential) another. `Debug` shows the names of its fields and
/// none of their values.
///
/// ```
/// use genesys_cloud_auth::admin::{CredentialKind, NewCredential};
///
/// # fn example(secret: genesys_cloud_auth::secrecy::SecretString) -> Result<(), genesys_cloud_auth::Error> {
/// let own = NewCredential::oauth_client("CRM lookup", "5c0b7c2e-6f0e-4f4b-9d0a-2f6a3c1d8e90", secret.clone());
/// let crm = NewCredential::new("CRM", CredentialKind::UserDefinedOAuth)
///     .field("loginUrl", "https://login.crm.example")
///     .field("clientId", "genesys")
///     .field("clientSecret", secret);
/// own.check()?;
/// crm.check()?;
/// # Ok(())
/// # }
/// # example("a secret".into()).unwrap();
/// ```
///
/// Source: Genesys Cloud Platform API, the schema `Credential`.
#[derive(Clone)]
#[must_use = "nothing is created before `Integrations::create_credential`"]
pub struct NewCredential {
    name: String,
    kind: CredentialKind,
    fields: BTreeMap<String, SecretString>,
}

impl NewCredential {
    /// A credential of any type. It needs at least one [field](Self::field).
    pub fn new(name: impl Into<String>, kind: CredentialKind) -> Self {
        Self {
            name: name.into(),
            kind,
            fields: BTreeMap::new(),
        }
    }

    /// The credential of data actions that call the Platform API of the own organisation: the id and
    /// the secret of an OAuth client with client credentials.
    pub fn oauth_client(
        name: impl Into<String>,
        client_id: impl Into<String>,
        client_secret: impl Into<SecretString>,
    ) -> Self {
        let id: String = client_id.into();
        Self::new(name, CredentialKind::OAuthClient)
            .field("clientId", id)
            .field("clientSecret", client_secret)
    }

    /// A user name and a password for a web service.
    pub fn basic_auth(
        name: impl Into<String>,
        user_name: impl Into<String>,
        password: impl Into<SecretString>,
    ) -> Self {
        let user_name: String = user_name.into();
        Self::new(name, CredentialKind::BasicAuth)
            .field("userName", user_name)
            .field("password", password)
    }

    /// Sets the value of a field. The names depend on the type:
    /// [`credential_types`](super::Integrations::credential_types).
    pub fn field(mut self, name: impl Into<String>, value: impl Into<SecretString>) -> Self {
        self.fields.insert(name.into(), value.into());
        self
    }

    /// Whether it can be sent.
    ///
    /// # Errors
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration) if the name, the type or a field's
    /// name is empty, or if there is no field. A value may be empty.
    pub fn check(&self) -> Result<(), Error> {
        let what = if self.name.trim().is_empty() {
            "the credential has no name"
        } else if self.kind.as_str().is_empty() {
            "the credential has no type"
        } else if self.fields.is_empty() {
            "the credential has no field; a credential is replaced with all its fields"
        } else if self.fields.keys().any(String::is_empty) {
            "a field of the credential has no name"
        } else {
            return Ok(());
        };
        Err(Error::configuration(what))
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Sends it with a request. No error repeats its values.
    pub(super) fn put_into(&self, request: Request) -> Request {
        let body = Body {
            name: &self.name,
            kind: Type { name: &self.kind },
            credential_fields: Values(&self.fields),
        };
        let values = || self.fields.values().map(ExposeSecret::expose_secret);
        let names = self.fields.keys().map(String::len);
        // An escaped character has up to six bytes. A vector that grew would leave a copy behind.
        let length = values().map(str::len).chain(names).sum::<usize>() + self.name.len();
        let mut json = Vec::with_capacity(6 * length + 16 * self.fields.len() + 512);
        // Texts are always JSON.
        if serde_json::to_writer(&mut json, &body).is_err() {
            json.clear();
        }
        request.secret_json(json, self.fields.values().cloned().collect())
    }
}

open_enum! {
    /// The type of a credential.
    CredentialKind {
        /// An OAuth client of the own organisation: `clientId` and `clientSecret`.
        OAuthClient = "pureCloudOAuthClient",
        /// Any fields, for an OAuth server of the integration's own.
        UserDefinedOAuth = "userDefinedOAuth",
        /// `userName` and `password`.
        BasicAuth = "basicAuth",
        /// `username`, `password`, `securityToken` and `loginUrl`.
        Salesforce = "salesforce",
    }
}

impl fmt::Debug for NewCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewCredential")
            .field("name", &self.name)
            .field("kind", &self.kind)
            .field("fields", &self.fields.keys())
            .finish()
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    name: &'a str,
    #[serde(rename = "type")]
    kind: Type<'a>,
    credential_fields: Values<'a>,
}

#[derive(Serialize)]
struct Type<'a> {
    name: &'a CredentialKind,
}

struct Values<'a>(&'a BTreeMap<String, SecretString>);

impl Serialize for Values<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let fields = self.0.iter();
        serializer.collect_map(fields.map(|(name, value)| (name, value.expose_secret())))
    }
}
