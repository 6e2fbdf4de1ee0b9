//! The integration credentials that hold the secret.

use secrecy::{ExposeSecret, SecretString};

use crate::admin::{CredentialKind, NewCredential};

/// An integration credential that holds the secret. Genesys Cloud does not return the values of a
/// credential, and does not list the credentials that hold a secret. So **all** its fields are given here,
/// with the place of the secret.
///
/// ```
/// use genesys_cloud_auth::{admin::CredentialKind, rotation::RotatedCredential};
///
/// let own = RotatedCredential::oauth_client("9f1d…", "CRM lookup", "5c0b7c2e-6f0e-4f4b-9d0a-2f6a3c1d8e90");
/// let other = RotatedCredential::new("7aa2…", "Reports", CredentialKind::UserDefinedOAuth)
///     .field("loginUrl", "https://login.mypurecloud.ie")
///     .field("client_id", "5c0b7c2e-6f0e-4f4b-9d0a-2f6a3c1d8e90")
///     .secret_field("client_secret");
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct RotatedCredential {
    pub(super) id: String,
    pub(super) name: String,
    kind: CredentialKind,
    fields: Vec<(String, SecretString)>,
    pub(super) secret_fields: Vec<String>,
}

impl RotatedCredential {
    /// A credential of any type.
    pub fn new(id: impl Into<String>, name: impl Into<String>, kind: CredentialKind) -> Self {
        Self {
            id: id.into(),
            name: name.into(),
            kind,
            fields: Vec::new(),
            secret_fields: Vec::new(),
        }
    }

    /// The credential of data actions that call the Platform API of the own organisation.
    pub fn oauth_client(
        id: impl Into<String>,
        name: impl Into<String>,
        client_id: impl Into<String>,
    ) -> Self {
        let client_id: String = client_id.into();
        Self::new(id, name, CredentialKind::OAuthClient)
            .field("clientId", client_id)
            .secret_field("clientSecret")
    }

    /// Sets a field that a rotation does not change.
    pub fn field(mut self, name: impl Into<String>, value: impl Into<SecretString>) -> Self {
        self.fields.push((name.into(), value.into()));
        self
    }

    /// Names a field that holds the secret.
    pub fn secret_field(mut self, name: impl Into<String>) -> Self {
        self.secret_fields.push(name.into());
        self
    }

    pub(super) fn with_secret(&self, secret: &SecretString) -> NewCredential {
        let new = NewCredential::new(&*self.name, self.kind.clone());
        let fields = self.fields.iter();
        let new = fields.fold(new, |new, (name, value)| {
            new.field(&**name, value.expose_secret())
        });
        let places = self.secret_fields.iter();
        places.fold(new, |new, name| new.field(&**name, secret.clone()))
    }
}
